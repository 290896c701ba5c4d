//! libopus' decoder, with the redundancy that reaches further back than one packet.
//!
//! `opusic-c` recovers only what lies directly before a packet and keeps the decoder's pointer to itself, so the few
//! calls needed are made here. This is the only module of the crate with `unsafe`.
#![allow(unsafe_code)]

use std::ptr::{self, NonNull};

use opusic_c::sys;

use super::CodecError;
use crate::RATE;

/// Neural concealment is on from 5 (libopus, `OPUS_SET_COMPLEXITY`).
const COMPLEXITY: i32 = 7;

/// 120 ms at 48 kHz, the longest packet.
pub(super) const MAX_SAMPLES: usize = 5_760;

/// The decoder conceals in steps of 2.5 ms.
const STEP: usize = 120;

/// Deep redundancy reaches no further back than a second.
const FARTHEST: usize = RATE as usize;

/// A decoder of mono sound at 48 kHz, and what the last packet asked knows of those before it.
///
/// Invariant: the three pointers come from libopus' own constructors, which returned no error, and are freed once, in
/// `drop`. All access goes through `&mut self`.
pub(super) struct Opus {
    decoder: NonNull<sys::OpusDecoder>,
    deep_decoder: NonNull<sys::OpusDREDDecoder>,
    deep: NonNull<sys::OpusDRED>,
    /// The packet that `deep` was read from, how far back was asked, and from where to where it reaches, in samples
    /// before the packet.
    read: Vec<u8>,
    asked: usize,
    reach: (usize, usize),
}

// SAFETY: libopus keeps no state per thread and none that is shared between decoders; whoever owns this owns all of
// it.
unsafe impl Send for Opus {}

impl Opus {
    pub(super) fn new() -> Result<Self, CodecError> {
        let failed = |code: i32| CodecError(format!("opus decoder: error {code}"));
        let mut code = 0;
        // SAFETY: the constructors take plain numbers and a place for an error; null is looked for before use, and
        // what was made before a failure is given back.
        unsafe {
            let decoder = NonNull::new(sys::opus_decoder_create(RATE as i32, 1, &raw mut code))
                .ok_or_else(|| failed(code))?;
            let deep_decoder = NonNull::new(sys::opus_dred_decoder_create(&raw mut code));
            let deep = NonNull::new(sys::opus_dred_alloc(&raw mut code));
            let (Some(deep_decoder), Some(deep)) = (deep_decoder, deep) else {
                sys::opus_decoder_destroy(decoder.as_ptr());
                if let Some(made) = deep_decoder {
                    sys::opus_dred_decoder_destroy(made.as_ptr());
                }
                if let Some(made) = deep {
                    sys::opus_dred_free(made.as_ptr());
                }
                return Err(failed(code));
            };
            let made = Self {
                decoder,
                deep_decoder,
                deep,
                read: Vec::with_capacity(2_048),
                asked: 0,
                reach: (0, 0),
            };
            match sys::opus_decoder_ctl(
                decoder.as_ptr(),
                sys::OPUS_SET_COMPLEXITY_REQUEST,
                COMPLEXITY,
            ) {
                sys::OPUS_OK => Ok(made),
                refused => Err(failed(refused)),
            }
        }
    }

    /// Forgets everything heard.
    pub(super) fn forget(&mut self) {
        // SAFETY: the decoder lives (invariant), and this request takes no argument.
        let code = unsafe { sys::opus_decoder_ctl(self.decoder.as_ptr(), sys::OPUS_RESET_STATE) };
        if code != sys::OPUS_OK {
            tracing::error!(code, "the decoder could not be reset");
        }
        self.read.clear();
    }

    /// Decodes a packet into the front of `out`, or with `copy` what it repeats of the one before it; an empty packet
    /// is concealed. Gives the samples decoded.
    ///
    /// # Errors
    /// libopus' number of the error: the packet is nonsense.
    pub(super) fn decode(
        &mut self,
        packet: &[u8],
        copy: bool,
        out: &mut [f32],
    ) -> Result<usize, i32> {
        let data = if packet.is_empty() {
            ptr::null()
        } else {
            packet.as_ptr()
        };
        // SAFETY: the decoder lives (invariant); pointer and length are those of one slice that libopus only reads,
        // and it writes no more than the length of `out`.
        let got = unsafe {
            sys::opus_decode_float(
                self.decoder.as_ptr(),
                data,
                length(packet),
                out.as_mut_ptr(),
                samples(out),
                i32::from(copy),
            )
        };
        usize::try_from(got).map_err(|_| got)
    }

    /// Whether a packet knows anything of the `missing` samples that begin `before` samples before it. Looks into the
    /// packet when first asked about it, and only if it is built so that it may.
    pub(super) fn reaches(&mut self, packet: &[u8], before: usize, missing: usize) -> bool {
        if !may_be_deep(packet) {
            return false;
        }
        if self.read != packet || before > self.asked {
            self.read(packet, before.min(FARTHEST));
        }
        let (farthest, nearest) = self.reach;
        farthest > before.saturating_sub(missing) && before > nearest
    }

    /// Decodes what the packet last asked ([`Opus::reaches`]) knows from `before` samples before it on. Gives the
    /// samples decoded, a multiple of 2.5 ms no greater than the length of `out`.
    ///
    /// # Errors
    /// libopus' number of the error.
    pub(super) fn decode_deep(&mut self, before: usize, out: &mut [f32]) -> Result<usize, i32> {
        let room = out.len().min(MAX_SAMPLES) / STEP * STEP;
        let out = &mut out[..room];
        // SAFETY: decoder and redundancy live (invariant), and the redundancy was filled or marked as empty by
        // `reaches`; libopus writes no more than the length of `out`.
        let got = unsafe {
            sys::opus_decoder_dred_decode_float(
                self.decoder.as_ptr(),
                self.deep.as_ptr(),
                i32::try_from(before.min(FARTHEST)).unwrap_or(0),
                out.as_mut_ptr(),
                samples(out),
            )
        };
        usize::try_from(got).map_err(|_| got)
    }

    fn read(&mut self, packet: &[u8], before: usize) {
        let mut end = 0;
        // SAFETY: both states live (invariant); pointer and length are those of one slice that libopus only reads.
        let reach = unsafe {
            sys::opus_dred_parse(
                self.deep_decoder.as_ptr(),
                self.deep.as_ptr(),
                packet.as_ptr(),
                length(packet),
                i32::try_from(before).unwrap_or(0),
                RATE as i32,
                &raw mut end,
                0,
            )
        };
        if reach < 0 {
            tracing::debug!(code = reach, "a packet's deep redundancy is nonsense");
        }
        self.reach = (
            usize::try_from(reach).unwrap_or(0),
            usize::try_from(end).unwrap_or(0),
        );
        self.asked = before;
        self.read.clear();
        self.read.extend_from_slice(packet);
    }
}

impl Drop for Opus {
    fn drop(&mut self) {
        // SAFETY: the pointers live until here (invariant) and nobody else has them.
        unsafe {
            sys::opus_decoder_destroy(self.decoder.as_ptr());
            sys::opus_dred_decoder_destroy(self.deep_decoder.as_ptr());
            sys::opus_dred_free(self.deep.as_ptr());
        }
    }
}

/// How many samples a packet will give; 0 if it is nonsense.
pub(super) fn samples_in(packet: &[u8]) -> usize {
    if packet.is_empty() {
        return 0;
    }
    // SAFETY: pointer and length are those of one slice with at least one byte; libopus only reads.
    let count =
        unsafe { sys::opus_packet_get_nb_samples(packet.as_ptr(), length(packet), RATE as i32) };
    usize::try_from(count).unwrap_or(0)
}

/// Whether a packet repeats the one before it, more coarsely (RFC 6716, 4.2.4 and 4.2.5).
pub(super) fn has_copy(packet: &[u8]) -> bool {
    if packet.is_empty() {
        return false;
    }
    // SAFETY: pointer and length are those of one slice with at least one byte; libopus only reads.
    unsafe { sys::opus_packet_has_lbrr(packet.as_ptr(), length(packet)) == 1 }
}

/// Deep redundancy is an extension, which sits in the padding of a packet of the third kind (RFC 6716, 3.2.5).
fn may_be_deep(packet: &[u8]) -> bool {
    matches!(packet, [toc, count, ..] if toc & 3 == 3 && count & 0x40 != 0)
}

fn length(packet: &[u8]) -> i32 {
    i32::try_from(packet.len()).unwrap_or(i32::MAX)
}

fn samples(out: &[f32]) -> i32 {
    i32::try_from(out.len()).unwrap_or(i32::MAX)
}
