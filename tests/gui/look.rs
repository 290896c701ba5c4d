//! How the window looks: a picture of the page, compared with the accepted one in `baseline/`.
//!
//! What moves by itself is painted over in both: every clock and countdown wherever it is written, the Line, levels.
//! The place and size of the cover are compared, so a clock that moves or goes away is seen all the same.
//! A picture is taken when nothing else moves any more.
//!
//! `DESKLINE_ACCEPT_PICTURES=1` accepts what is seen: look at the pictures under `target/gui/pictures` first, and
//! commit what changes in `baseline/` with the reason it changed. A picture that does not look as accepted is kept
//! beside them with the accepted one and a third that shows where.

use std::path::PathBuf;
use std::time::Instant;

use crate::page::{LOOK_EVERY, PATIENCE};
use crate::picture::{Area, Picture};
use crate::stage::Stage;

/// What moves without words: the Line, levels, what is measured of the network.
const MOVING: &str = ".theline, .line-track, .meter, [data-testid=mute-level], [data-testid=quality], [data-testid^=measure-], [data-testid=quality-facts], [data-testid=tracking-id]";

/// The areas of what moves and can be seen, as `[x, y, width, height]` in CSS pixels, which are pixels here.
const FIND_MOVING: &str = r"
    const moving = [];
    // What lies below something else, or is scrolled out of sight, covers nothing.
    const seen = (box, owner) => {
        const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return top !== null && (top === owner || owner.contains(top) || top.contains(owner));
    };
    const add = (box, owner) => {
        if (box.width < 2 || box.height < 2 || !seen(box, owner)) return;
        const x = Math.floor(box.left) - 1, y = Math.floor(box.top) - 1;
        moving.push([x, y, Math.ceil(box.right) + 1 - x, Math.ceil(box.bottom) + 1 - y]);
    };
    const time = /\d+:\d\d(:\d\d)?(\s[ap]m)?|\b\d+\s(s|min|h)\b/gi;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const text = texts.currentNode;
        for (const found of text.data.matchAll(time)) {
            const range = document.createRange();
            range.setStart(text, found.index);
            range.setEnd(text, found.index + found[0].length);
            for (const box of range.getClientRects()) add(box, text.parentElement);
        }
    }
    for (const each of document.querySelectorAll(arguments[0])) {
        const box = each.getBoundingClientRect();
        // What a loaded machine makes of the line is as wide as its word; the cover is as wide as the longest.
        const from = each.dataset.testid === 'quality' ? Math.min(box.left, box.right - 110) : box.left;
        add(new DOMRect(from, box.top, box.right - from, box.height), each);
    }
    return moving;
";

impl Stage {
    /// Compares the page with the accepted picture of this name; a difference is told when the story is over.
    pub(crate) async fn looks_like(&mut self, name: &str) {
        let (raw, seen) = self.still_picture(name).await;
        let kept = kept();
        std::fs::write(kept.join(format!("{name}.png")), raw).unwrap();
        let accepted_file = baseline().join(format!("{name}.png"));
        let trouble = match std::fs::read(&accepted_file) {
            Err(_) => format!("{name}: no picture was accepted yet"),
            Ok(accepted) => {
                let accepted = Picture::read(&accepted);
                match accepted.difference(&seen) {
                    None => format!("{name}: {:?} became {:?}", accepted.size(), seen.size()),
                    Some(difference) if difference.matters() => {
                        let witness = kept.join(format!("{name}-difference.png"));
                        std::fs::write(&witness, accepted.beside(&seen, &difference).png())
                            .unwrap();
                        format!("{name}: {difference}, see {}", witness.display())
                    }
                    Some(_) => return,
                }
            }
        };
        if std::env::var_os("DESKLINE_ACCEPT_PICTURES").is_some_and(|value| value == "1") {
            eprintln!("accepted: {trouble}");
            std::fs::write(accepted_file, seen.png()).unwrap();
        } else {
            self.odd_pictures.push(trouble);
        }
    }

    /// The page as soon as it stands still: as a PNG, and with what moves painted over. The name is for complaints.
    pub(crate) async fn still_picture(&self, name: &str) -> (Vec<u8>, Picture) {
        let until = Instant::now() + PATIENCE;
        let mut before: Option<Picture> = None;
        // The mouse leaves what it clicked last; what is under it looks otherwise.
        self.web
            .action_chain()
            .move_to(0, 0)
            .perform()
            .await
            .unwrap();
        loop {
            let moving = self.moving().await;
            let raw = self.web.screenshot_as_png().await.unwrap();
            if moving == self.moving().await {
                let mut seen = Picture::read(&raw);
                moving.into_iter().for_each(|area| seen.cover(area));
                if before.as_ref() == Some(&seen) {
                    return (raw, seen);
                }
                before = Some(seen);
            }
            assert!(Instant::now() < until, "{name} never stands still");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn moving(&self) -> Vec<Area> {
        let found = self
            .web
            .execute(FIND_MOVING, vec![MOVING.into()])
            .await
            .unwrap();
        let boxes: Vec<[i64; 4]> = found.convert().unwrap();
        let areas = boxes.into_iter().map(|[x, y, width, height]| {
            // A cover that begins outside is cut at the window's edge.
            let (left, top) = (x.max(0), y.max(0));
            Area {
                x: left as usize,
                y: top as usize,
                width: (x + width - left).max(0) as usize,
                height: (y + height - top).max(0) as usize,
            }
        });
        areas.collect()
    }
}

fn baseline() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("gui/baseline")
}

/// Where the pictures of the last run are.
fn kept() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/gui/pictures");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
