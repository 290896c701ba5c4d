//! The system's sound, by way of cpal.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enums are the library's and may grow"
)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, Device, DeviceDirection, ErrorKind, FromSample, Host, Sample, SampleFormat,
    SizedSample, StreamConfig,
};

use super::backend::{Backend, DeviceError, Health, Listing, MakeSink, MakeSource, Stream};
use crate::RATE;

/// How long a stream may take to open.
const OPENING: Duration = Duration::from_secs(2);

/// The hosts of this machine, best first. A fresh host is made for every look: some show only the devices that were
/// there when they were made.
pub(super) struct System;

impl Stream for cpal::Stream {}

impl Backend for System {
    fn list(&mut self) -> Result<Listing, DeviceError> {
        let host = host()?;
        let inputs = names(inputs(&host)?);
        let outputs = names(outputs(&host)?);
        let (input, output) = defaults(&host);
        Ok(Listing {
            default_input: input
                .filter(|name| inputs.contains(name))
                .or_else(|| inputs.first().cloned()),
            default_output: output
                .filter(|name| outputs.contains(name))
                .or_else(|| outputs.first().cloned()),
            inputs,
            outputs,
        })
    }

    fn open_input(
        &mut self,
        wanted: &str,
        sink: MakeSink<'_>,
        health: Arc<Health>,
    ) -> Result<Box<dyn Stream>, DeviceError> {
        let host = host()?;
        let device = find(inputs(&host)?, wanted)?;
        let own = device.default_input_config().map_err(broken)?;
        let mut failure = None;
        for config in configs(own.channels(), own.sample_rate()) {
            for format in formats(own.sample_format()) {
                match input(&device, config, format, sink, &health) {
                    Ok(stream) => return Ok(Box::new(stream)),
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
        let host = host()?;
        let device = find(outputs(&host)?, wanted)?;
        let own = device.default_output_config().map_err(broken)?;
        let mut failure = None;
        for config in configs(own.channels(), own.sample_rate()) {
            for format in formats(own.sample_format()) {
                match output(&device, config, format, source, &health) {
                    Ok(stream) => return Ok(Box::new(stream)),
                    Err(error) => failure = Some(error),
                }
            }
        }
        Err(failure.unwrap_or_else(|| DeviceError::Broken("no usable format".to_owned())))
    }
}

/// The first host that opens and answers. A host may be listed and not open: then the next is tried.
fn host() -> Result<Host, DeviceError> {
    cpal::available_hosts()
        .into_iter()
        .filter_map(|id| cpal::host_from_id(id).ok())
        .find(|host| host.devices().is_ok())
        .ok_or_else(|| DeviceError::Broken("no sound system answers".to_owned()))
}

fn broken(error: cpal::Error) -> DeviceError {
    match error.kind() {
        ErrorKind::PermissionDenied => DeviceError::Refused(error.to_string()),
        _ => DeviceError::Broken(error.to_string()),
    }
}

fn name(device: &Device) -> Option<String> {
    device
        .description()
        .ok()
        .map(|about| about.name().to_owned())
}

fn names(devices: impl Iterator<Item = Device>) -> Vec<String> {
    let mut names: Vec<String> = devices.filter_map(|device| name(&device)).collect();
    names.sort();
    names.dedup();
    names
}

fn find(mut all: impl Iterator<Item = Device>, wanted: &str) -> Result<Device, DeviceError> {
    all.find(|device| name(device).as_deref() == Some(wanted))
        .ok_or_else(|| DeviceError::Broken(format!("{wanted} is not there")))
}

/// Names of hosts with peculiarities.
const PIPEWIRE: &str = "PipeWire";
const PULSEAUDIO: &str = "PulseAudio";

/// What the PipeWire host adds to the devices: three that follow the system's choice. They have no name to show and
/// jump to another microphone by themselves.
const FOLLOWERS: [&str; 3] = ["input_default", "output_default", "sink_default"];

fn is_real(device: &Device) -> bool {
    device.id().is_ok_and(|id| !FOLLOWERS.contains(&id.id()))
}

/// Microphones; what is played by a speaker is none, though some systems list it as such.
fn inputs(host: &Host) -> Result<impl Iterator<Item = Device> + use<>, DeviceError> {
    let pipewire = host.id().name() == PIPEWIRE;
    let devices = host.input_devices().map_err(broken)?;
    Ok(devices.filter(move |device| {
        let Ok(about) = device.description() else {
            return false;
        };
        let own = !pipewire || about.direction() == DeviceDirection::Input;
        own && is_real(device) && !about.name().starts_with("Monitor of ")
    }))
}

fn outputs(host: &Host) -> Result<impl Iterator<Item = Device> + use<>, DeviceError> {
    Ok(host.output_devices().map_err(broken)?.filter(is_real))
}

/// Names of the system's choices. The PipeWire host does not tell them; its PulseAudio front end does.
fn defaults(host: &Host) -> (Option<String>, Option<String>) {
    let named = |device: Option<Device>| device.as_ref().and_then(name);
    let both = |host: &Host| {
        (
            named(host.default_input_device()),
            named(host.default_output_device()),
        )
    };
    if host.id().name() != PIPEWIRE {
        return both(host);
    }
    cpal::available_hosts()
        .into_iter()
        .find(|id| id.name() == PULSEAUDIO)
        .and_then(|id| cpal::host_from_id(id).ok())
        .map_or((None, None), |front| both(&front))
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
    let stream = device
        .build_input_stream::<T, _, _>(
            config,
            move |data, _| sink.take(data, channels, f32::from_sample),
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
    let stream = device
        .build_output_stream::<T, _, _>(
            config,
            move |data, _| source.fill(data, channels, T::from_sample),
            watch(Arc::clone(health)),
            Some(OPENING),
        )
        .map_err(broken)?;
    stream.play().map_err(broken)?;
    Ok(stream)
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
