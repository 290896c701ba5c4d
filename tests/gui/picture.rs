//! Pictures of the window and how alike two of them are: a tolerant comparison that still sees what a person would.
//!
//! It knows nothing of the window; what to paint over is decided in `look`. Start reading at [`Picture::difference`].

use std::io::Cursor;

/// What stands where something moves: no colour of the design.
const COVER: [u8; 3] = [255, 0, 255];

/// Edge of a block in pixels: smaller than a letter, larger than the edge of one.
const BLOCK: usize = 4;

/// From this distance in Oklab on, two blocks differ; 0.02 is where an eye begins to see, black and white are 1 apart.
const UNLIKE: f32 = 0.04;

/// Hue counts more than lightness: edges of letters vary in lightness, states of the line in hue.
const HUE: f32 = 2.0;

/// Blocks no further apart belong together, as the letters of a word do.
const REACH: usize = 2;

/// So many blocks that belong together are a thing, not the edge of a letter.
const THING: usize = 6;

/// So many blocks all over the picture are another font or another theme.
const SPECKS: usize = 60;

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// A picture without transparency.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

/// Where two pictures of one size differ.
pub(crate) struct Difference {
    columns: usize,
    unlike: Vec<bool>,
    largest: usize,
}

impl Difference {
    /// Whether a person would call it another picture.
    pub(crate) fn matters(&self) -> bool {
        self.largest >= THING || self.blocks() >= SPECKS
    }

    fn blocks(&self) -> usize {
        self.unlike.iter().filter(|unlike| **unlike).count()
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (blocks, all) = (self.blocks(), self.unlike.len());
        let largest = self.largest;
        write!(
            f,
            "{blocks} of {all} blocks differ, {largest} of them in one place"
        )
    }
}

impl Picture {
    /// Reads a PNG with 8 bits a channel, as WebDriver and [`Self::png`] make them.
    pub(crate) fn read(png: &[u8]) -> Self {
        let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(info.bit_depth, png::BitDepth::Eight, "8 bits a channel");
        let channels = info.color_type.samples();
        assert!(channels >= 3, "{:?} has no colours", info.color_type);
        let pixels = bytes[..info.buffer_size()]
            .chunks_exact(channels)
            .map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect();
        Self {
            width: info.width as usize,
            height: info.height as usize,
            pixels,
        }
    }

    /// As a PNG.
    pub(crate) fn png(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(self.pixels.as_flattened()).unwrap();
        writer.finish().unwrap();
        file
    }

    /// Width and height in pixels.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Paints over what moves.
    pub(crate) fn cover(&mut self, area: Area) {
        self.fill(area, COVER);
    }

    fn fill(&mut self, area: Area, colour: [u8; 3]) {
        for y in area.y..(area.y + area.height).min(self.height) {
            for x in area.x..(area.x + area.width).min(self.width) {
                self.pixels[y * self.width + x] = colour;
            }
        }
    }

    /// Compares block by block, each against the best of its places one pixel around: glyphs and edges may fall a
    /// pixel beside where another version of the renderer puts them. What moved further, changed its words or its
    /// colour, came or went, shows as blocks that belong together. `None` if the sizes differ.
    pub(crate) fn difference(&self, other: &Self) -> Option<Difference> {
        if self.size() != other.size() {
            return None;
        }
        let (ours, theirs) = (Blocks::of(self), Blocks::of(other));
        let (columns, rows) = (self.width / BLOCK, self.height / BLOCK);
        let mut unlike = vec![false; columns * rows];
        for (index, unlike) in unlike.iter_mut().enumerate() {
            let (x, y) = (index % columns * BLOCK, index / columns * BLOCK);
            // Both ways round: what only one of them has must not hide beside a blank.
            *unlike = ours.nearest(&theirs, x, y) > UNLIKE || theirs.nearest(&ours, x, y) > UNLIKE;
        }
        let largest = largest_group(&unlike, columns);
        Some(Difference {
            columns,
            unlike,
            largest,
        })
    }

    /// Three pictures in a row: what was accepted, what is seen, and where they differ, in red.
    pub(crate) fn beside(&self, seen: &Self, difference: &Difference) -> Self {
        let mut marked = seen.clone();
        for pixel in &mut marked.pixels {
            *pixel = pixel.map(|part| 192 + part / 4);
        }
        for (index, _) in difference.unlike.iter().enumerate().filter(|(_, it)| **it) {
            let area = Area {
                x: index % difference.columns * BLOCK,
                y: index / difference.columns * BLOCK,
                width: BLOCK,
                height: BLOCK,
            };
            marked.fill(area, [220, 0, 0]);
        }
        let rows = (0..self.height).flat_map(|y| {
            let row = y * self.width..(y + 1) * self.width;
            [self, seen, &marked].map(|picture| &picture.pixels[row.clone()])
        });
        Self {
            width: self.width * 3,
            height: self.height,
            pixels: rows.flatten().copied().collect(),
        }
    }
}

/// Sums of Oklab over every rectangle that begins in the upper left corner, so that any block's mean is four look-ups.
struct Blocks {
    width: usize,
    height: usize,
    sums: Vec<[f64; 3]>,
}

impl Blocks {
    fn of(picture: &Picture) -> Self {
        let (width, height) = picture.size();
        let mut sums = vec![[0.0; 3]; (width + 1) * (height + 1)];
        for y in 0..height {
            let mut row = [0.0; 3];
            for x in 0..width {
                let colour = oklab(picture.pixels[y * width + x]);
                for part in 0..3 {
                    row[part] += f64::from(colour[part]);
                    sums[(y + 1) * (width + 1) + x + 1][part] =
                        sums[y * (width + 1) + x + 1][part] + row[part];
                }
            }
        }
        Self {
            width,
            height,
            sums,
        }
    }

    fn mean(&self, x: usize, y: usize) -> [f32; 3] {
        let at = |x: usize, y: usize| &self.sums[y * (self.width + 1) + x];
        let (right, low) = (x + BLOCK, y + BLOCK);
        [0, 1, 2].map(|part| {
            let sum = at(right, low)[part] - at(x, low)[part] - at(right, y)[part] + at(x, y)[part];
            (sum / (BLOCK * BLOCK) as f64) as f32
        })
    }

    /// How far the block at this place is from the nearest one at or one pixel around the same place.
    fn nearest(&self, other: &Self, x: usize, y: usize) -> f32 {
        let mine = self.mean(x, y);
        let around = |at: usize, end: usize| at.saturating_sub(1)..=(at + 1).min(end - BLOCK);
        let mut nearest = f32::MAX;
        for y in around(y, self.height) {
            for x in around(x, self.width) {
                let other = other.mean(x, y);
                let squares = (0..3).map(|part| (mine[part] - other[part]).powi(2));
                nearest = nearest.min(squares.sum::<f32>().sqrt());
            }
        }
        nearest
    }
}

/// Björn Ottosson's Oklab: equal distances look equal. Its hue is weighed.
fn oklab(pixel: [u8; 3]) -> [f32; 3] {
    let [r, g, b] = pixel.map(|part| {
        let part = f32::from(part) / 255.0;
        if part <= 0.040_45 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    let l = (0.412_221_47 * r + 0.536_332_54 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        HUE * (1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s),
        HUE * (0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s),
    ]
}

/// Size of the largest group of blocks that belong together.
fn largest_group(unlike: &[bool], columns: usize) -> usize {
    let mut left: Vec<bool> = unlike.to_vec();
    let mut largest = 0;
    for start in 0..left.len() {
        let mut group = 0;
        let mut open = vec![start];
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut left[index], false) {
                continue;
            }
            group += 1;
            let (x, y) = (index % columns, index / columns);
            for y in y.saturating_sub(REACH)..=(y + REACH).min(left.len() / columns - 1) {
                for x in x.saturating_sub(REACH)..=(x + REACH).min(columns - 1) {
                    open.push(y * columns + x);
                }
            }
        }
        largest = largest.max(group);
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: [u8; 3] = [250, 249, 246];
    const INK: [u8; 3] = [28, 27, 25];

    fn area(x: usize, y: usize, width: usize, height: usize) -> Area {
        Area {
            x,
            y,
            width,
            height,
        }
    }

    /// A page with a word made of strokes.
    fn page() -> Picture {
        let mut page = Picture {
            width: 120,
            height: 80,
            pixels: vec![PAPER; 120 * 80],
        };
        for stroke in 0..8 {
            page.fill(area(20 + stroke * 6, 30, 2, 12), INK);
        }
        page
    }

    fn matters(changed: &Picture) -> bool {
        let (there, back) = (page().difference(changed), changed.difference(&page()));
        let (there, back) = (there.unwrap().matters(), back.unwrap().matters());
        assert_eq!(there, back, "the order does not matter");
        there
    }

    #[test]
    fn a_picture_is_like_itself_through_its_file() {
        let again = Picture::read(&page().png());
        assert!(again == page());
        assert!(!matters(&again));
    }

    #[test]
    fn softer_edges_and_a_pixel_beside_are_no_difference() {
        let mut soft = page();
        for pixel in soft.pixels.iter_mut().filter(|pixel| **pixel == INK) {
            *pixel = [45, 44, 42];
        }
        assert!(!matters(&soft));
        let mut beside = page();
        beside.pixels.rotate_right(1);
        assert!(!matters(&beside));
        beside.pixels.rotate_right(120);
        assert!(!matters(&beside));
    }

    #[test]
    fn what_came_went_moved_or_changed_its_colour_is_a_difference() {
        let mut came = page();
        came.fill(area(80, 60, 10, 10), INK);
        assert!(matters(&came));
        let mut went = page();
        went.fill(area(20, 30, 24, 12), PAPER);
        assert!(matters(&went));
        let mut moved = page();
        moved.pixels.rotate_right(3 * 120);
        assert!(matters(&moved));
        let mut tinted = page();
        tinted.fill(area(70, 10, 24, 24), [220, 240, 226]);
        assert!(matters(&tinted));
        let mut covered = page();
        covered.cover(area(60, 60, 20, 8));
        assert!(matters(&covered), "a cover that is not in both");
    }

    #[test]
    fn the_pale_grounds_of_two_states_are_a_difference() {
        let ground = |colour: [u8; 3]| {
            let mut picture = page();
            picture.fill(area(60, 52, 30, 20), colour);
            picture
        };
        let (idle, consult) = (ground([232, 234, 229]), ground([233, 231, 251]));
        assert!(idle.difference(&consult).unwrap().matters());
    }

    #[test]
    fn another_theme_is_a_difference_everywhere() {
        let mut dark = page();
        for pixel in &mut dark.pixels {
            *pixel = pixel.map(|part| 255 - part);
        }
        assert!(matters(&dark));
        let difference = page().difference(&dark).unwrap();
        assert_eq!(difference.blocks(), 30 * 20);
    }

    #[test]
    fn other_sizes_cannot_be_compared() {
        let mut cut = page();
        cut.height -= 1;
        cut.pixels.truncate(cut.width * cut.height);
        assert!(page().difference(&cut).is_none());
    }

    #[test]
    fn the_witness_shows_both_and_marks_where() {
        let mut came = page();
        came.fill(area(80, 60, 8, 8), INK);
        let difference = page().difference(&came).unwrap();
        let witness = page().beside(&came, &difference);
        assert_eq!(witness.size(), (360, 80));
        let at = |x: usize, y: usize| witness.pixels[y * 360 + x];
        assert_eq!(at(82, 62), PAPER);
        assert_eq!(at(120 + 82, 62), INK);
        assert_eq!(at(240 + 82, 62), [220, 0, 0]);
    }
}
