import { clearMocks, mockIPC } from '@tauri-apps/api/mocks';
import { afterEach, describe, expect, it } from 'vitest';

import { tauri } from '../src/backend/tauri';

describe('the bridge to the shell', () => {
  afterEach(() => clearMocks());

  it('calls each command under its name with the names of its arguments', async () => {
    const calls: [string, unknown][] = [];
    mockIPC((command, args) => {
      calls.push([command, args]);
    });
    const shell = tauri();
    await shell.signIn();
    await shell.signIn('abc');
    await shell.startSandbox();
    await shell.stationLogin({ teamId: 't', loginOption: 'EXTENSION', dialNumber: '4410' });
    await shell.setState({ state: 'Idle', auxCodeId: '102', reason: 'Lunch' });
    await shell.chooseDevice('ringer', null);
    for (const ask of [shell.accept, shell.decline, shell.toggleMute, shell.hold, shell.resume, shell.pauseRecording, shell.resumeRecording, shell.end, shell.cancelAutoWrapup]) await ask('x');
    await shell.wrapup('x', 'c', 'Code');
    await shell.sendDigits('x', '1#');
    await shell.stationLogout();
    await shell.signOut();
    await shell.silenceRing();
    await shell.tryNow();
    await shell.windowReady();
    await shell.copyText('T-1');
    await shell.startInfo();
    await shell.signInWithConsent('device');
    await shell.cancelSignIn();
    await shell.takeOver();
    const one = { taskId: 'x' };
    expect(calls).toEqual([
      ['sign_in', {}],
      ['sign_in', { token: 'abc' }],
      ['start_sandbox', {}],
      ['station_login', { teamId: 't', loginOption: 'EXTENSION', dialNumber: '4410' }],
      ['set_state', { state: 'Idle', auxCodeId: '102', reason: 'Lunch' }],
      ['choose_device', { kind: 'ringer', name: null }],
      ...['accept', 'decline', 'toggle_mute', 'hold', 'resume', 'pause_recording', 'resume_recording', 'end', 'cancel_auto_wrapup_timer'].map((name) => [name, one]),
      ['wrapup', { taskId: 'x', auxCodeId: 'c', reason: 'Code' }],
      ['send_digits', { taskId: 'x', digits: '1#' }],
      ['station_logout', {}],
      ['sign_out', {}],
      ['silence_ring', {}],
      ['try_now', {}],
      ['window_ready', {}],
      ['copy_text', { text: 'T-1' }],
      ['start_info', {}],
      ['sign_in_with_consent', { way: 'device' }],
      ['cancel_sign_in', {}],
      ['take_over', {}],
    ]);
  });

  it('hands on what comes through the channel, until told to stop', async () => {
    let channel: { onmessage: (message: unknown) => void } | undefined;
    mockIPC((command, args) => {
      if (command === 'subscribe') ({ channel } = args as { channel: { onmessage: (message: unknown) => void } });
    });
    const heard: unknown[] = [];
    const stop = await tauri().subscribe((update) => heard.push(update));
    channel?.onmessage({ rev: 0 });
    stop();
    channel?.onmessage({ rev: 1 });
    expect(heard).toEqual([{ rev: 0 }]);
  });

  it('rejects with what the shell says', async () => {
    mockIPC(() => {
      throw { kind: 'refused' };
    });
    await expect(tauri().hold('x')).rejects.toEqual({ kind: 'refused' });
  });
});
