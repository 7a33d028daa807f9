//! The texts of the pages about accounts, which the server alone renders: they are in a table of their own, since what is in
//! the other one goes to the browser with every document.

use crate::protocol::Language;

use super::{
    files,
    fill::{around, fill},
    table::{Book, Kind, place, table},
    use_speech,
};

table! {
    /// The pages about accounts.
    auth: Auth {
        you_are: {name};
        type_code;
        set_password;
        look_into_mail;
        choose_password;
        confirm_address;
        address_confirmed;
        stale;
        after_reset;
        link_sent;
        nothing_came;
        try_again;
        thanks;
        go_on;
        register_text;
        keep_text;
        your_name;
        email;
        password;
        new_password;
        password_hint;
        new_password_hint;
        strength;
        have_account;
        mail_code;
        forgot;
        code_sent: {email};
        code;
        another_code;
        forgot_text;
        mail_link;
        back;
        set;
        another_link;
        verify_text: (name, email);
        not_me;
        confirm;
    }
}

/// The texts of these pages, in the language of the page.
pub fn use_auth_texts() -> &'static Auth {
    &files::of_auth(use_speech().language).auth
}
