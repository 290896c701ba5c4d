import { mount } from 'svelte';

import App from './App.svelte';
import { connect } from './backend';
import { Clock } from './desk/clock.svelte';
import { Prefs } from './desk/prefs.svelte';
import { messagesFor, speak } from './messages';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/call.css';

const { language, messages } = messagesFor(navigator.languages);
speak(messages);
document.documentElement.lang = language;

const backend = await connect();
const target = document.getElementById('app');
if (target !== null) mount(App, { target, props: { backend, clock: new Clock(() => backend.now()), prefs: new Prefs() } });
