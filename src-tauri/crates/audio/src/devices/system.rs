//! The system's sound, by way of cpal.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enums are the library's and may grow"
)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{
    BufferSize, Device, ErrorKind, FromSample, Sample, SampleFormat, SizedSample, StreamConfig,
};

use super::backend::{Backend, DeviceError, Health, Listing, MakeSink, MakeSource, Stream};
use super::hosts::{Hosts, inputs, name, outputs, serial};
use crate::RATE;

/// How long a stream may take to open.
const OPENING: Duration = Duration::from_secs(2);

/// Bluetooth's hands-free profile runs at 8 or 16 kHz.
const TELEPHONE: u32 = 16_000;

/// The sound systems of this machine.
#[derive(Default)]
pub(super) struct System {
    hosts: Hosts,
}

/// A stream and the device it is on.
struct Open {
    serial: Option<u64>,
    _stream: cpal::Stream,
}

impl Stream for Open {
    fn serial(&self) -> Option<u64> {
        self.serial
    }
}

impl Backend for System {
    fn list(&mut self) -> Result<Listing, DeviceError> {
        let host = self.hosts.best()?;
        let narrow = narrow(&host)?;
        let inputs: Vec<Device> = inputs(&host)?.collect();
        let outputs: Vec<Device> = outputs(&host)?.collect();
        let serials = inputs.iter().chain(&outputs).filter_map(serial).collect();
        let (inputs, outputs) = (names(&inputs), names(&outputs));
        let (input, output) = self.hosts.defaults(&host);
        Ok(Listing {
            default_input: input
                .filter(|name| inputs.contains(name))
                .or_else(|| inputs.first().cloned()),
            default_output: output
                .filter(|name| outputs.contains(name))
                .or_else(|| outputs.first().cloned()),
            inputs,
            outputs,
            narrow,
            serials,
        })
    }

    fn open_input(
        &mut self,
        wanted: &str,
        sink: MakeSink<'_>,
        health: Arc<Health>,
    ) -> Result<Box<dyn Stream>, DeviceError> {
        let host = self.hosts.best()?;
        let device = find(inputs(&host)?, wanted)?;
        let own = device.default_input_config().map_err(broken)?;
        let mut failure = None;
        for config in configs(own.channels(), own.sample_rate()) {
            for format in formats(own.sample_format()) {
                match input(&device, config, format, sink, &health) {
                    Ok(stream) => return Ok(opened(&device, stream, &health)),
                    Err(error) => failure = Some(error),
                }
            }
        }
        Err(failure.unwrap_or_else(|| DeviceError::Broken("no usable format".to_owned())))
    }

    fn open_output(
        &mut self,
        wanted: &str,
        source: MakeSource<'_>,
        health: Arc<Health>,
    ) -> Result<Box<dyn Stream>, DeviceError> {
        let host = self.hosts.best()?;
        let device = find(outputs(&host)?, wanted)?;
        let own = device.default_output_config().map_err(broken)?;
        let mut failure = None;
        for config in configs(own.channels(), own.sample_rate()) {
            for format in formats(own.sample_format()) {
                match output(&device, config, format, source, &health) {
                    Ok(stream) => return Ok(opened(&device, stream, &health)),
                    Err(error) => failure = Some(error),
                }
            }
        }
        Err(failure.unwrap_or_else(|| DeviceError::Broken("no usable format".to_owned())))
    }
}

fn opened(device: &Device, stream: cpal::Stream, health: &Health) -> Box<dyn Stream> {
    health.counts.store(true, Ordering::Relaxed);
    Box::new(Open {
        serial: serial(device),
        _stream: stream,
    })
}

pub(super) fn broken(error: cpal::Error) -> DeviceError {
    match error.kind() {
        ErrorKind::PermissionDenied => DeviceError::Refused(error.to_string()),
        _ => DeviceError::Broken(error.to_string()),
    }
}

fn names(devices: &[Device]) -> Vec<String> {
    let mut names: Vec<String> = devices.iter().filter_map(name).collect();
    names.sort();
    names.dedup();
    names
}

/// Names of Bluetooth devices that run at a telephone's rate; others are not asked, for it costs time.
fn narrow(host: &cpal::Host) -> Result<Vec<String>, DeviceError> {
    let slow = |device: &Device, rate: Option<u32>| {
        let near = is_bluetooth(device) && rate.is_some_and(|rate| rate <= TELEPHONE);
        near.then(|| name(device)).flatten()
    };
    let rate = |device: &Device, input: bool| {
        if !is_bluetooth(device) {
            return None;
        }
        let config = if input {
            device.default_input_config()
        } else {
            device.default_output_config()
        };
        config.ok().map(|config| config.sample_rate())
    };
    Ok(inputs(host)?
        .filter_map(|device| slow(&device, rate(&device, true)))
        .chain(outputs(host)?.filter_map(|device| slow(&device, rate(&device, false))))
        .collect())
}

fn is_bluetooth(device: &Device) -> bool {
    let says_so = |text: &str| {
        let text = text.to_lowercase();
        text.contains("bluez") || text.contains("bluetooth")
    };
    device.id().is_ok_and(|id| says_so(id.id())) || name(device).is_some_and(|name| says_so(&name))
}

fn find(mut all: impl Iterator<Item = Device>, wanted: &str) -> Result<Device, DeviceError> {
    all.find(|device| name(device).as_deref() == Some(wanted))
        .ok_or_else(|| DeviceError::Broken(format!("{wanted} is not there")))
}

/// What is asked for, in order: our own rate and frame, then whatever the device wants.
fn configs(channels: u16, rate: u32) -> Vec<StreamConfig> {
    let ten_ms = |rate: u32| BufferSize::Fixed(rate / 100);
    let config = |channels, sample_rate, buffer_size| StreamConfig {
        channels,
        sample_rate,
        buffer_size,
    };
    vec![
        config(1, RATE, ten_ms(RATE)),
        config(channels, RATE, ten_ms(RATE)),
        config(channels, rate, ten_ms(rate)),
        config(channels, rate, BufferSize::Default),
    ]
}

fn formats(own: SampleFormat) -> Vec<SampleFormat> {
    if own == SampleFormat::F32 {
        vec![own]
    } else {
        vec![SampleFormat::F32, own]
    }
}

fn input(
    device: &Device,
    config: StreamConfig,
    format: SampleFormat,
    sink: MakeSink<'_>,
    health: &Arc<Health>,
) -> Result<cpal::Stream, DeviceError> {
    match format {
        SampleFormat::F32 => input_of::<f32>(device, config, sink, health),
        SampleFormat::I16 => input_of::<i16>(device, config, sink, health),
        SampleFormat::I32 => input_of::<i32>(device, config, sink, health),
        SampleFormat::U16 => input_of::<u16>(device, config, sink, health),
        SampleFormat::U8 => input_of::<u8>(device, config, sink, health),
        other => Err(DeviceError::Broken(format!(
            "samples of {other} are not understood"
        ))),
    }
}

fn input_of<T: SizedSample>(
    device: &Device,
    config: StreamConfig,
    sink: MakeSink<'_>,
    health: &Arc<Health>,
) -> Result<cpal::Stream, DeviceError>
where
    f32: FromSample<T>,
{
    let channels = usize::from(config.channels);
    let mut sink = sink(config.sample_rate);
    let callback = Arc::clone(health);
    let stream = device
        .build_input_stream::<T, _, _>(
            config,
            move |data, about| {
                let at = about.timestamp();
                beat(&callback, at.callback.checked_duration_since(at.capture));
                sink.take(data, channels, f32::from_sample);
            },
            watch(Arc::clone(health)),
            Some(OPENING),
        )
        .map_err(broken)?;
    stream.play().map_err(broken)?;
    Ok(stream)
}

fn output(
    device: &Device,
    config: StreamConfig,
    format: SampleFormat,
    source: MakeSource<'_>,
    health: &Arc<Health>,
) -> Result<cpal::Stream, DeviceError> {
    match format {
        SampleFormat::F32 => output_of::<f32>(device, config, source, health),
        SampleFormat::I16 => output_of::<i16>(device, config, source, health),
        SampleFormat::I32 => output_of::<i32>(device, config, source, health),
        SampleFormat::U16 => output_of::<u16>(device, config, source, health),
        SampleFormat::U8 => output_of::<u8>(device, config, source, health),
        other => Err(DeviceError::Broken(format!(
            "samples of {other} are not understood"
        ))),
    }
}

fn output_of<T: SizedSample + FromSample<f32>>(
    device: &Device,
    config: StreamConfig,
    source: MakeSource<'_>,
    health: &Arc<Health>,
) -> Result<cpal::Stream, DeviceError> {
    let channels = usize::from(config.channels);
    let mut source = source(config.sample_rate);
    let callback = Arc::clone(health);
    let stream = device
        .build_output_stream::<T, _, _>(
            config,
            move |data, about| {
                let at = about.timestamp();
                beat(&callback, at.playback.checked_duration_since(at.callback));
                source.fill(data, channels, T::from_sample);
            },
            watch(Arc::clone(health)),
            Some(OPENING),
        )
        .map_err(broken)?;
    stream.play().map_err(broken)?;
    Ok(stream)
}

/// Notes a callback and how far away from the device it is.
fn beat(health: &Health, delay: Option<Duration>) {
    health.beats.fetch_add(1, Ordering::Relaxed);
    if let Some(micros) = delay.and_then(|delay| u32::try_from(delay.as_micros()).ok()) {
        // A host that tells nonsense tells nothing.
        if micros < 1_000_000 {
            health.delay_us.store(micros, Ordering::Relaxed);
        }
    }
}

/// What a stream's errors mean: most mean its end; some only that a moment was lost.
fn watch(health: Arc<Health>) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error| match error.kind() {
        ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
        ErrorKind::Xrun => {
            health.slips.fetch_add(1, Ordering::Relaxed);
        }
        _ => health.lost.store(true, Ordering::Relaxed),
    }
}
