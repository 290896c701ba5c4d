//! Signing in as a person would, with somebody in the middle who sees every secret of it: a token broker
//! (sign-in section 4), and a browser of few words.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A token broker that remembers what went through it.
pub(crate) struct Broker {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Broker {
    /// Stands between the program and `token_url`.
    pub(crate) fn before(token_url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (told, behind) = (Arc::clone(&seen), token_url.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &behind, &told);
            }
        });
        Self {
            url: format!("http://127.0.0.1:{port}/token"),
            seen,
        }
    }

    /// Every secret that went through: codes, verifiers, tokens.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut found = Vec::new();
        for text in self.seen.lock().unwrap().iter() {
            if let Ok(json) = serde_json::from_str::<serde_json::Value>(text) {
                for name in ["access_token", "refresh_token", "id_token"] {
                    found.extend(json[name].as_str().map(str::to_owned));
                }
            } else {
                for pair in text.split('&') {
                    let (name, value) = pair.split_once('=').unwrap_or_default();
                    if ["code", "code_verifier", "refresh_token"].contains(&name) {
                        found.push(value.to_owned());
                    }
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

fn serve(mut stream: TcpStream, behind: &str, seen: &Mutex<Vec<String>>) {
    let (head, body) = message(&mut stream);
    let kept = head.lines().filter(|line| {
        let line = line.to_ascii_lowercase();
        line.starts_with("authorization:") || line.starts_with("content-type:")
    });
    let mut headers = kept.collect::<Vec<_>>().join("\r\n");
    headers.push_str("\r\n");
    let answer = ask("POST", behind, &headers, &body);
    let answered = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    seen.lock().unwrap().extend([body, answered.to_owned()]);
    // The program may have gone.
    let _ = stream.write_all(answer.as_bytes());
}

/// Reads a head, and a body as long as it says.
fn message(stream: &mut TcpStream) -> (String, String) {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let line = line.to_ascii_lowercase();
                line.strip_prefix("content-length:")?.trim().parse().ok()
            });
            if body.len() >= length.unwrap_or(0_usize) {
                return (head.to_owned(), body.to_owned());
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return (text, String::new()),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

/// One request; gives the whole answer.
fn ask(method: &str, url: &str, headers: &str, body: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Opens an address as a browser would: follows where it leads. Gives every address on the way.
pub(crate) fn browse(url: &str) -> Vec<String> {
    let mut way = vec![url.to_owned()];
    while way.len() < 6 {
        let now = way.last().unwrap().clone();
        let answer = ask("GET", &now, "", "");
        let next = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("location")
                .then(|| value.trim().to_owned())
        });
        let Some(next) = next else { break };
        let origin: String = now.split('/').take(3).collect::<Vec<_>>().join("/");
        way.push(if next.starts_with('/') {
            format!("{origin}{next}")
        } else {
            next
        });
    }
    way
}
