//! Call quality: one sample a second.

/// What `media` measured about one call. Counters are cumulative for the call (headless 7.13).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallSample {
    /// Round trip in milliseconds, if known.
    pub rtt_ms: Option<f64>,
    /// Inter-arrival jitter in milliseconds (RFC 3550).
    pub jitter_ms: Option<f64>,
    /// Loss in per cent of the packets expected since the last sample.
    pub loss_pct: Option<f64>,
    /// Estimated listening quality, 1 to 4.5.
    pub mos: Option<f64>,
    /// Codec in use, e.g. `opus`.
    pub codec: Option<String>,
    /// Per cent of the playout that was concealed since the last sample.
    pub concealed_pct: Option<f64>,
    /// Delay of the jitter buffer in milliseconds.
    pub buffer_ms: Option<f64>,
    /// Packets sent.
    pub sent: u64,
    /// Packets received.
    pub received: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Packets lost.
    pub lost: u64,
    /// Packets that came too late to be played.
    pub late: u64,
    /// Seconds since media began.
    pub seconds: f64,
}

/// Estimates MOS from 1 to 4.5 (ITU-T G.107, simplified). Delay is one-way in ms, loss in per cent.
#[must_use]
pub fn mos(delay_ms: f64, jitter_ms: f64, loss_pct: f64) -> f64 {
    let effective = delay_ms + 2.0 * jitter_ms + 10.0;
    let delay_factor = if effective < 160.0 {
        effective / 40.0
    } else {
        4.0 + (effective - 160.0) / 10.0
    };
    let r = (93.2 - delay_factor - 2.5 * loss_pct).clamp(0.0, 100.0);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}
