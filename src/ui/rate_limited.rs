//! The page for a visitor who has used up the budget for reading. The server sends it to every request of a flood, so
//! it is one small static document without wasm. It uses the stylesheet of the offline page.

use crate::protocol::{Language, Problem};

use super::texts;

/// Renders the page: what happened, when to try again, and a link that does so.
pub fn rate_limited_page(language: Language, problem: &Problem) -> String {
    let (texts, page) = (texts::of(language), &texts::of_auth(language).auth);
    format!(
        r#"<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} – AnonChat</title>
<link rel="stylesheet" href="/offline.css">
</head>
<body><main>
<p class="brand">AnonChat</p>
<div class="card">
<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 8v4.5l3 1.5"/></svg>
<h1>{title}</h1><p>{text}</p><a class="button button--primary" href="">{again}</a>
</div>
</main></body>
</html>
"#,
        language = language.as_str(),
        title = page.unavailable(),
        text = texts.problem(problem),
        again = page.try_again(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_when_to_come_back_in_every_language() {
        for language in Language::ALL {
            let page = rate_limited_page(*language, &Problem::too_many_requests(41_500));
            assert!(page.contains("42") && page.contains(&format!("lang=\"{}\"", language.as_str())), "{page}");
        }
    }
}
