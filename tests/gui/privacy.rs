//! What the window leaves on the disk and in its web view (sign-in section 8, case 32; architecture promise: tokens
//! never reach the view).

use std::path::{Path, PathBuf};

use deskline_sandbox::{Contact, Scenario};

use crate::stage::{Stage, story};

const NAME: &str = "Ismelda Quastenberg";
const NUMBER: &str = "+14085559301";

#[tokio::test]
async fn signin_32_the_window_and_its_web_view_keep_no_secret() {
    story("privacy", Scenario::default(), async |stage: &mut Stage| {
        stage.ready().await;
        stage
            .connected(Contact {
                name: Some(NAME.to_owned()),
                from: Some(NUMBER.to_owned()),
                ..Contact::default()
            })
            .await;
        stage.reads("active-call", NAME).await;
        stage.click("hold").await;
        stage.see("on-hold").await;
        stage.click("resume").await;
        stage.sees_no("on-hold").await;
        stage.click("end").await;
        stage.see("wrap-up").await;

        let token = stage.token();
        let secrets = [token.as_str(), NAME, &NUMBER[1..]];
        let kept = stage
            .web
            .execute(
                "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])",
                Vec::new(),
            )
            .await
            .unwrap();
        let kept = kept.json().to_string();
        for secret in secrets {
            assert!(!kept.contains(secret), "{secret} in the web view's storage");
        }
        let page = stage.web.source().await.unwrap();
        assert!(page.contains(NAME), "the agent sees who calls");
        assert!(!page.contains(&token), "the token is in the page");

        let mut files = Vec::new();
        collect(stage.folder(), &mut files);
        assert!(!files.is_empty());
        for file in files {
            // A file may go while we look.
            let Ok(bytes) = std::fs::read(&file) else {
                continue;
            };
            for secret in secrets {
                let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
                for planted in [secret.as_bytes(), &wide] {
                    let is_there = bytes.windows(planted.len()).any(|window| window == planted);
                    assert!(!is_there, "{secret} in {}", file.display());
                }
            }
        }
    })
    .await;
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), found),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            Ok(_) | Err(_) => {}
        }
    }
}
