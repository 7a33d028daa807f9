//! The refusals of a room: the errors for callers whose request the room's state or load does not allow.
//!
//! Not here: the errors of a log that cannot be used (`log`).

use crate::protocol::{Code, Problem, Reason, limits::EVERYONE_MEMBERS};

/// The refusal for a person who is not in the room by the log.
pub fn not_a_member() -> Problem {
    Problem::new(Code::NotAMember, "You’re not in this room. Join again to continue.")
}

/// The refusal for a member who does not own the room by the log.
pub fn not_owner() -> Problem {
    Problem::new(Code::NotOwner, "Only the room’s owner can do that.")
}

/// The refusal for a command about a person who is not in the room by the log.
pub fn member_gone() -> Problem {
    Problem::new(Code::NotFound, "That person is no longer in the room.").with_reason(Reason::MemberGone)
}

/// The refusal for a change of a message that is not there, or no longer.
pub fn message_gone() -> Problem {
    Problem::new(Code::MessageGone, "This message is gone.")
}

/// The refusal for a change of somebody else's message.
pub fn not_author() -> Problem {
    Problem::new(Code::NotAuthor, "Only the person who wrote this message can do that.")
}

/// The refusal for a message that is final.
pub fn too_late_to_edit() -> Problem {
    Problem::new(Code::TooLate, "This message can no longer be edited.")
}

/// The refusal for a mention of everyone by somebody who does not own the room.
pub fn too_many_for_everyone() -> Problem {
    let detail = format!("In a room with more than {EVERYONE_MEMBERS} people, only its owner can mention everyone.");
    Problem::new(Code::NotOwner, detail).with_reason(Reason::TooManyForEveryone { limit: EVERYONE_MEMBERS })
}

/// The refusal for an edit of a text that has changed since its author saw it.
pub fn edited_meanwhile() -> Problem {
    Problem::new(Code::EditedMeanwhile, "This message was edited on another device. Look at it again.")
}

/// The refusal for a reaction to a message that has too many.
pub fn too_many_reactions() -> Problem {
    Problem::new(Code::TooManyReactions, "This message can’t have more reactions.")
}

/// The refusal for a change of an archived message in a room that keeps no messages any more.
pub fn kept_elsewhere() -> Problem {
    Problem::new(
        Code::KeptElsewhere,
        "This message is from a time when the room saved its messages. It can be deleted, but not changed.",
    )
}

/// The refusal for a person who enters while the room is turned ephemeral. When they try again, they come in by the way
/// for ephemeral rooms.
pub fn just_changed() -> Problem {
    Problem {
        retry_after_ms: Some(1_000),
        ..Problem::new(Code::Overloaded, "This room just changed. Try again in a second.")
    }
}

/// The refusal when the room or the node has too much to do.
pub fn overloaded() -> Problem {
    Problem {
        retry_after_ms: Some(1_000),
        ..Problem::new(Code::Overloaded, "This room is very busy. Try again in a second.")
    }
}
