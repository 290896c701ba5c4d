//! The pages a person sees: consent, the device's code, and what went wrong. Everything shown is escaped.

use super::SCOPES;
use super::consent::Question;
use crate::roster::Member;

/// Headers of every page.
pub(crate) const HEADERS: [(&str, &str); 4] = [
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
];

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:28em;margin:10vh auto;padding:0 1.5em}}\
button{{font:inherit;padding:.6em 1.4em;margin-inline-end:.6em}}select,input{{font:inherit;padding:.4em}}</style>\
</head><body><main><h1>{title}</h1>{body}</main></body></html>\n"
    )
}

/// A page that only says something.
pub(crate) fn note(title: &str, text: &str) -> String {
    page(&escaped(title), &format!("<p>{}</p>", escaped(text)))
}

/// The consent page.
pub(crate) fn consent(question: &Question, agents: &[Member]) -> String {
    let hidden = format!(
        "<input type=\"hidden\" name=\"request\" value=\"{}\"><input type=\"hidden\" name=\"csrf\" value=\"{}\">",
        escaped(&question.request),
        escaped(&question.csrf)
    );
    page(
        "Sign in to the sandbox",
        &form(
            "/v1/authorize/decision",
            &hidden,
            question.client,
            &question.scopes,
            agents,
            question.hint.as_deref(),
        ),
    )
}

/// The page for a device's code: the code to type in, or, once it is known, the same consent.
pub(crate) fn verify(
    user_code: &str,
    asks: Option<(&str, &[String])>,
    agents: &[Member],
) -> String {
    let field = format!(
        "<p><label>Code shown on the device <input name=\"userCode\" inputmode=\"numeric\" pattern=\"[0-9]{{6}}\" \
maxlength=\"6\" required value=\"{}\"></label></p>",
        escaped(user_code)
    );
    let body = match asks {
        Some((client, scopes)) => form("/verify", &field, client, scopes, agents, None),
        None => format!(
            "<form method=\"get\" action=\"/verify\">{field}<button>Continue</button></form>"
        ),
    };
    page("Sign in a device", &body)
}

fn form(
    action: &str,
    fields: &str,
    client: &str,
    scopes: &[String],
    agents: &[Member],
    hint: Option<&str>,
) -> String {
    let options: String = agents
        .iter()
        .map(|agent| {
            let is_hinted = hint.is_some_and(|hint| hint == mail(agent) || agent.is_called(hint));
            format!(
                "<option value=\"{}\"{}>{}</option>",
                escaped(agent.id.as_str()),
                if is_hinted { " selected" } else { "" },
                escaped(&agent.name)
            )
        })
        .collect();
    let wishes: String = scopes
        .iter()
        .map(|scope| {
            let words = SCOPES.iter().find(|(known, _)| known == scope);
            format!(
                "<li>{}</li>",
                escaped(words.map_or(scope, |(_, words)| words))
            )
        })
        .collect();
    format!(
        "<p>The application <strong>{}</strong> wants to:</p><ul>{wishes}</ul>\
<form method=\"post\" action=\"{action}\">{fields}<p><label>Agent <select name=\"agent\">{options}</select></label></p>\
<button name=\"decision\" value=\"allow\">Allow</button><button name=\"decision\" value=\"deny\">Deny</button></form>",
        escaped(client)
    )
}

/// The mail address of an agent.
pub(crate) fn mail(agent: &Member) -> String {
    format!("{}@sandbox.example", agent.names().0.to_lowercase())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
