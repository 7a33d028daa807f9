//! The colours of a room's members. Everybody's colour is computed from their member id. Ids are drawn at random, so
//! two of three people would often have the same colour. An id is drawn anew until its colour is far from the others'.

use crate::{
    protocol::{HUES, Look, MemberId},
    server::random,
};

/// How many ids are drawn at most. One in twelve fits, so a hundred draws without one are rarer than one in a thousand.
const DRAWS: usize = 100;

/// Draws a member id whose hue is the least crowded one beside members of these hues.
pub fn member_id_beside(hues: &[u32; HUES]) -> MemberId {
    let least = (0..HUES).map(|hue| crowding(hues, hue)).min();
    let fits = |id: &MemberId| Some(crowding(hues, Look::of(id.get()).hue)) == least;
    std::iter::repeat_with(random::member_id).take(DRAWS).find(fits).unwrap_or_else(random::member_id)
}

/// How crowded a hue is. Neighbours on the colour wheel are hard to tell apart, the next ones are easier.
fn crowding(hues: &[u32; HUES], hue: usize) -> u32 {
    let at = |offset: usize| hues[(hue + offset) % HUES];
    9 * at(0) + 3 * (at(1) + at(HUES - 1)) + at(2) + at(HUES - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hues_of(members: usize) -> [u32; HUES] {
        let mut hues = [0; HUES];
        for _ in 0..members {
            hues[Look::of(member_id_beside(&hues).get()).hue] += 1;
        }
        hues
    }

    #[test]
    fn a_few_people_have_colours_that_are_far_apart() {
        for _ in 0..200 {
            let hues = hues_of(4);
            for hue in (0..HUES).filter(|hue| hues[*hue] > 0) {
                assert_eq!(hues[hue], 1, "{hues:?}");
                assert_eq!(hues[(hue + 1) % HUES], 0, "{hues:?}");
            }
        }
    }

    #[test]
    fn many_people_share_all_colours_evenly() {
        let hues = hues_of(12 * 50);
        assert!(hues.iter().all(|count| (48..=52).contains(count)), "{hues:?}");
    }
}
