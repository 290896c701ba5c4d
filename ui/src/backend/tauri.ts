import { Channel, invoke } from '@tauri-apps/api/core';

import type { Update } from './generated/Update';
import type { DirectoryPage } from './generated/DirectoryPage';
import type { AccountView, Backend, Heard, Levels, NumberProblem, StartInfo, Unsubscribe } from './index';

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
    account: (listener) => listen<AccountView>('account', listener),
    signInWithConsent: (way) => invoke('sign_in_with_consent', { way }),
    cancelSignIn: () => invoke('cancel_sign_in'),
    signOut: () => invoke('sign_out'),
    startSandbox: () => invoke('start_sandbox'),
    stationLogin: (station) => invoke('station_login', { ...station }),
    stationLogout: () => invoke('station_logout'),
    setState: (wanted) => invoke('set_state', { ...wanted }),
    queueState: (wanted) => invoke('queue_state', { wanted }),
    queueSignOut: (wanted) => invoke('queue_sign_out', { wanted }),
    takeOver: () => invoke('take_over'),
    tryNow: () => invoke('try_now'),
    chooseDevice: (kind, name) => invoke('choose_device', { kind, name }),
    silenceRing: () => invoke('silence_ring'),
    setVoiceSettings: (device, settings) => invoke('set_voice_settings', { device, settings }),
    tryDevice: (kind, listener) => invoke('try_device', { kind, channel: new Channel<Heard>(listener) }),
    stopTrial: () => invoke('stop_trial'),
    hearOriginal: (on) => invoke('hear_original', { on }),

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

    directory: (kind, query) => invoke<DirectoryPage>('directory', { kind, query }),
    consult: (taskId, to, destinationType) => invoke('consult', { taskId, to, destinationType }),
    endConsult: (taskId) => invoke('end_consult', { taskId }),
    switchCall: (taskId) => invoke('switch_call', { taskId }),
    consultTransfer: (taskId) => invoke('consult_transfer', { taskId }),
    transfer: (taskId, to, destinationType) => invoke('transfer', { taskId, to, destinationType }),
    consultConference: (taskId) => invoke('consult_conference', { taskId }),
    exitConference: (taskId) => invoke('exit_conference', { taskId }),
    transferConference: (taskId) => invoke('transfer_conference', { taskId }),
    startOutdial: (destination, origin) => invoke('start_outdial', { destination, origin }),
    acceptPreview: (taskId) => invoke('accept_preview', { taskId }),
    checkNumber: (number) => invoke<NumberProblem | null>('check_number', { number }),
    openTask: (taskId) => invoke('open_task', { taskId }),
  };
}
