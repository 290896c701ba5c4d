import { Channel, invoke } from '@tauri-apps/api/core';

import type { Update } from './generated/Update';
import type { Backend, Levels, StartInfo, Unsubscribe } from './index';

/** Listens to a channel until told to stop; the shell notices by the next page or subscription. */
async function listen<T>(command: string, listener: (message: T) => void): Promise<Unsubscribe> {
  let isOpen = true;
  const channel = new Channel<T>((message) => {
    if (isOpen) listener(message);
  });
  await invoke(command, { channel });
  return () => {
    isOpen = false;
  };
}

/** Speaks to the shell: one command each, arguments under the names of the shell's commands. */
export function tauri(): Backend {
  return {
    now: () => Date.now(),
    subscribe: (listener) => listen<Update>('subscribe', listener),
    levels: (listener) => listen<Levels>('levels', listener),
    startInfo: () => invoke<StartInfo>('start_info'),
    windowReady: () => invoke('window_ready'),
    copyText: (text) => invoke('copy_text', { text }),

    signIn: (token) => invoke('sign_in', token === undefined ? {} : { token }),
    signOut: () => invoke('sign_out'),
    startSandbox: () => invoke('start_sandbox'),
    stationLogin: (station) => invoke('station_login', { ...station }),
    stationLogout: () => invoke('station_logout'),
    setState: (wanted) => invoke('set_state', { ...wanted }),
    tryNow: () => invoke('try_now'),
    chooseDevice: (kind, name) => invoke('choose_device', { kind, name }),
    silenceRing: () => invoke('silence_ring'),

    accept: (taskId) => invoke('accept', { taskId }),
    decline: (taskId) => invoke('decline', { taskId }),
    toggleMute: (taskId) => invoke('toggle_mute', { taskId }),
    hold: (taskId) => invoke('hold', { taskId }),
    resume: (taskId) => invoke('resume', { taskId }),
    pauseRecording: (taskId) => invoke('pause_recording', { taskId }),
    resumeRecording: (taskId) => invoke('resume_recording', { taskId }),
    end: (taskId) => invoke('end', { taskId }),
    wrapup: (taskId, auxCodeId, reason) => invoke('wrapup', { taskId, auxCodeId, reason }),
    cancelAutoWrapup: (taskId) => invoke('cancel_auto_wrapup_timer', { taskId }),
    sendDigits: (taskId, digits) => invoke('send_digits', { taskId, digits }),
  };
}
