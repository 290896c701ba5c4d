#!/usr/bin/env python3
"""GStreamer's webrtcbin as a near side: answers the far side's offer, sends a tone, plays into nowhere in real time.

usage: gstreamer.py URL     (system Python with gi; gstreamer1.0-plugins-bad, gstreamer1.0-nice, python3-gst-1.0)
"""

import functools
import json
import re
import subprocess
import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402


def ask(url: str, path: str, body: str | None = None) -> str:
    data = None if body is None else body.encode()
    request = urllib.request.Request(url + path, data=data, headers={"content-type": "text/plain"})
    with urllib.request.urlopen(request) as reply:
        return reply.read().decode()


@functools.cache
def certificate() -> str:
    """A certificate on an elliptic curve and its key; one for all elements, as only one is named in the description."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    return subprocess.run(command + ["-subj", "/CN=near", "-keyout", "-"], check=True, capture_output=True, text=True).stdout


def fingerprint() -> str:
    """What a description says of the certificate."""
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256"]
    told = subprocess.run(command, input=certificate(), check=True, capture_output=True, text=True).stdout
    return "sha-256 " + told.split("=", 1)[1].strip()


class Near:
    """One call."""

    def __init__(self, url: str) -> None:
        self.url = url
        # The same work as a call's: 48 kHz mono in, Opus 32 kbit/s with redundancy out, a clocked sink.
        self.pipeline = Gst.parse_launch(
            "webrtcbin name=rtc bundle-policy=max-bundle "
            "audiotestsrc is-live=true wave=sine freq=300 volume=0.1 samplesperbuffer=480 "
            "! audio/x-raw,rate=48000,channels=1 ! audioconvert ! audioresample "
            "! opusenc bitrate=32000 audio-type=voice inband-fec=true packet-loss-percentage=5 complexity=9 "
            "! rtpopuspay pt=111 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! rtc."
        )
        self.pipeline.connect("deep-element-added", self.on_element)
        self.rtc = self.pipeline.get_by_name("rtc")
        self.rtc.connect("pad-added", self.on_pad)
        self.rtc.connect("notify::ice-gathering-state", self.on_gathering)
        self.pipeline.set_state(Gst.State.PLAYING)
        offered = json.loads(ask(url, "/offer"))
        self.call = offered["call"]
        _, message = GstSdp.SDPMessage.new_from_text(offered["sdp"])
        offer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message)
        self.rtc.emit("set-remote-description", offer, Gst.Promise.new_with_change_func(self.on_remote))

    def on_element(self, _bin, _parent, element) -> None:
        # Its own certificate is RSA, which the far side's library does not know.
        factory = element.get_factory()
        if factory and factory.get_name() == "dtlssrtpdec":
            element.set_property("pem", certificate())

    def on_remote(self, _promise) -> None:
        self.rtc.emit("create-answer", None, Gst.Promise.new_with_change_func(self.on_answer))

    def on_answer(self, promise) -> None:
        promise.wait()
        reply = promise.get_reply()
        answer = reply.get_value("answer")
        self.rtc.emit("set-local-description", answer, Gst.Promise.new())

    def on_gathering(self, *_ignored) -> None:
        if self.rtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            sdp = self.rtc.get_property("local-description").sdp.as_text()
            # It still names the certificate it made itself.
            sdp = re.sub(r"a=fingerprint:[^\r\n]+", f"a=fingerprint:{fingerprint()}", sdp)
            GLib.idle_add(lambda: ask(self.url, f"/answer/{self.call}", sdp) and False)

    def on_pad(self, _element, pad) -> None:
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        sink = Gst.parse_bin_from_description(
            "rtpopusdepay ! opusdec use-inband-fec=true plc=true ! audioconvert ! audioresample "
            "! audio/x-raw,rate=48000,channels=1 ! fakesink sync=true",
            True,
        )
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))


if __name__ == "__main__":
    Gst.init(None)
    near = Near(sys.argv[1])
    GLib.MainLoop().run()
