//! What the browser shows at the end: our own words only, nothing that came with the request.

/// A page at the end of the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// It worked.
    SignedIn,
    /// The exchange takes longer than a browser should wait.
    Finishing,
    /// The person or the organisation said no.
    Denied,
    /// It did not work for another reason, which the app tells.
    Failed,
    /// A request that is not the answer.
    NotOurs(u16),
}

const HEADERS: &str = "Content-Type: text/html; charset=utf-8\r\n\
Cache-Control: no-store\r\n\
Referrer-Policy: no-referrer\r\n\
Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
X-Content-Type-Options: nosniff\r\n\
Connection: close\r\n";

/// The answer to the way back itself: the code leaves the address bar.
pub(crate) fn to_done() -> String {
    format!("HTTP/1.1 303 See Other\r\nLocation: /done\r\n{HEADERS}Content-Length: 0\r\n\r\n")
}

impl Page {
    /// The whole answer with this page.
    pub(crate) fn answer(self) -> String {
        let (status, heading, cause, next) = self.words();
        let body = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{heading}</title>\
<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:30em;margin:20vh auto;padding:0 1.5em}}\
h1{{font-size:1.5em;font-weight:600}}</style></head>\
<body><main><h1>{heading}</h1><p>{cause}</p><p>{next}</p></main></body></html>\n"
        );
        format!(
            "HTTP/1.1 {status}\r\n{HEADERS}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn words(self) -> (&'static str, &'static str, &'static str, &'static str) {
        let again = "Return to Deskline and try again.";
        match self {
            Self::SignedIn => (
                "200 OK",
                "You are signed in",
                "Deskline has what it needs.",
                "You can close this tab and return to Deskline.",
            ),
            Self::Finishing => (
                "200 OK",
                "Finishing in Deskline",
                "Webex has answered; Deskline is still working on it.",
                "You can close this tab and return to Deskline.",
            ),
            Self::Denied => (
                "200 OK",
                "Sign-in did not work",
                "Access was not allowed.",
                again,
            ),
            Self::Failed => (
                "200 OK",
                "Sign-in did not work",
                "Deskline shows what went wrong.",
                again,
            ),
            Self::NotOurs(status) => (
                match status {
                    404 => "404 Not Found",
                    405 => "405 Method Not Allowed",
                    _ => "400 Bad Request",
                },
                "Nothing to see here",
                "This address only takes the answer of a sign-in that Deskline has asked for.",
                "You can close this tab.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_static_and_closes_the_connection() {
        for page in [
            Page::SignedIn,
            Page::Finishing,
            Page::Denied,
            Page::Failed,
            Page::NotOurs(404),
        ] {
            let answer = page.answer();
            assert!(answer.contains("Connection: close\r\n"));
            assert!(answer.contains("Content-Security-Policy: default-src 'none'"));
            assert!(answer.contains("Cache-Control: no-store\r\n"));
            assert!(!answer.contains("<script"));
            let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
            assert!(head.contains(&format!("Content-Length: {}", body.len())));
        }
        assert!(to_done().contains("Location: /done\r\n"));
    }
}
