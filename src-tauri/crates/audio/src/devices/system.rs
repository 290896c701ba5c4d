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
use super::hosts::{Hosts, inputs, name, outputs};
use crate::RATE;

/// How long a stream may take to open.
const OPENING: Duration = Duration::from_secs(2);

/// The sound systems of this machine.
#[derive(Default)]
pub(super) struct System {
    hosts: Hosts,
}

impl Stream for cpal::Stream {}

impl Backend for System {
    fn list(&mut self) -> Result<Listing, DeviceError> {
        let host = self.hosts.best()?;
        let inputs = names(inputs(&host)?);
        let outputs = names(outputs(&host)?);
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
        let host = self.hosts.best()?;
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

pub(super) fn broken(error: cpal::Error) -> DeviceError {
    match error.kind() {
        ErrorKind::PermissionDenied => DeviceError::Refused(error.to_string()),
        _ => DeviceError::Broken(error.to_string()),
    }
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
