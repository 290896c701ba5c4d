// Takes the vendor's browser SDK through whole agent sessions against the sandbox, with sound.
//
//   cd <a folder with node_modules> && npm install @webex/contact-center@3.12.0 puppeteer-core
//   node <here>/run.mjs <path of deskline-cli> [path of chromium [one of the acts below]]
//
// Prints one line per step and ends with status 0 if every step did what it should. The folder is the working
// directory, because the SDK's licence does not let it live here.

import {spawn} from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import {createRequire} from 'node:module';
import path from 'node:path';

const [binary, chromium = '/usr/bin/chromium', only] = process.argv.slice(2);
const here = import.meta.dirname;
const puppeteer = createRequire(path.join(process.cwd(), 'x.js'))('puppeteer-core');
const sdk = path.resolve('node_modules/@webex/contact-center/umd/contact-center.min.js');

const sandbox = spawn(binary, ['sandbox', '--tls'], {stdio: ['pipe', 'pipe', 'inherit']});
const ready = await new Promise((done) => {
  let text = '';
  sandbox.stdout.on('data', (chunk) => {
    text += chunk;
    if (text.includes('\n')) done(JSON.parse(text));
  });
});

async function direct(verb, fields = {}) {
  const answer = await fetch(`${ready.director}/${verb}`, {
    method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(fields),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${verb}: ${body.error}`);
  return body;
}

const server = http.createServer((request, response) => {
  const isSdk = request.url === '/sdk.js';
  response.setHeader('content-type', isSdk ? 'text/javascript' : 'text/html');
  response.end(fs.readFileSync(isSdk ? sdk : path.join(here, 'page.html')));
}).listen(0, '127.0.0.1');
await new Promise((done) => server.once('listening', done));

const browser = await puppeteer.launch({
  executablePath: chromium, headless: 'new',
  args: ['--no-sandbox', '--ignore-certificate-errors', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
    '--autoplay-policy=no-user-gesture-required', '--disable-features=WebRtcHideLocalIpsWithMdns'],
});

const rest = (ms) => new Promise((done) => setTimeout(done, ms));

async function step(name, act) {
  const started = Date.now();
  try {
    const result = await act();
    console.log('ok  ', name, `${Date.now() - started} ms`);
    return result;
  } catch (error) {
    console.log('FAIL', name, String(error.message ?? error).slice(0, 400));
    throw error;
  }
}

/** An agent in a browser of their own. */
class Agent {
  static async signIn(index, base) {
    const agent = new Agent();
    agent.account = ready.agents[index];
    agent.name = agent.account.name.split(' ')[0];
    agent.u2c = `${base}/u2c/api/v1`;
    agent.rang = (await direct('journal')).entries.at(-1)?.n ?? 0;
    agent.page = await (await browser.createBrowserContext()).newPage();
    agent.page.on('pageerror', (error) => console.log('     page error', agent.name, error.message));
    await agent.register();
    await agent.does('stationLogin', (teamId) => cc.stationLogin({teamId, loginOption: 'BROWSER'}).then(() => {}), agent.account.teamId);
    await agent.does('available', () => available().then(() => {}));
    return agent;
  }

  async register() {
    await this.page.goto(`http://127.0.0.1:${server.address().port}/`);
    // With microphone permission the browser names real addresses in its candidates.
    await this.page.evaluate(() => navigator.mediaDevices.getUserMedia({audio: true}).then((stream) => stream.getTracks().forEach((one) => one.stop())));
    return this.does('register', (u2c, token) => begin(u2c, token), this.u2c, this.account.accessToken);
  }

  does(name, act, ...parameters) {
    return step(`${this.name} ${name}`, () => this.page.evaluate(act, ...parameters));
  }

  /** What must fail, and in whose words. */
  fails(name, act, ...parameters) {
    return step(`${this.name} ${name} fails`, async () => {
      const outcome = await this.page.evaluate(async (text, given) => {
        try {
          await (0, eval)(`(${text})`)(...given);
          return null;
        } catch (error) {
          return String(error.message ?? error);
        }
      }, act.toString(), parameters);
      if (outcome === null) throw new Error('it did not fail');
      return outcome;
    });
  }

  sees(event, ms) {
    return this.does(event, (wanted, limit) => until(wanted, limit), event, ms);
  }

  /**
   * Takes what is offered. The SDK announces a contact before it has the leg, from the second one on (it remembers the
   * one before), and silently answers nothing, or without `sig_connected`, when accepted then: so the leg must ring first.
   */
  async accepts(hasLeg = true) {
    await this.sees('task:incoming');
    if (hasLeg) await this.rings();
    await this.does('accept', () => task.accept());
  }

  rings() {
    return step(`${this.name} rings`, () => within(async () => {
      const {entries} = await direct('journal', {after: this.rang ?? 0});
      const rings = entries.find((one) => one.agentId === this.account.agentId && one.body?.callState === 'sig_alerting');
      if (!rings) throw new Error('no leg rings');
      this.rang = rings.n;
    }));
  }

  async call(fields = {}) {
    const {interactionId} = await direct('offer', {agent: this.account.agentId, voice: 'tone', hz: 440, ...fields});
    await this.accepts(!fields.media);
    await this.sees('task:assigned');
    return interactionId;
  }

  /** Sound: heard within five seconds. Silence: a whole second of it, because Chromium's pretended microphone beeps and rests. */
  hears(what, wanted) {
    return step(`${this.name} hears ${what}`, () => within(async () => {
      for (let n = 0; n < (wanted === false ? 10 : 1); n++) {
        const {hz, db} = await this.page.evaluate(() => hears());
        check(hz, db, wanted);
        await rest(100);
      }
    }));
  }

  async wrapsUp() {
    await this.does('wrapup', () => wrapUp().then(() => {}));
    await rest(300);
    await this.forget();
  }

  forget() {
    return this.page.evaluate(() => { events.length = 0; });
  }
}

/** `wanted` is a pitch in Hz, `true` for any sound, `false` for silence. */
function check(hz, db, wanted) {
  const fits = wanted === false ? db < -60 : db > -45 && (wanted === true || Math.abs(hz - wanted) < 8);
  if (!fits) throw new Error(`wanted ${wanted}, got ${hz.toFixed(0)} Hz at ${db.toFixed(0)} dB`);
}

function customerHears(interactionId, wanted) {
  return step(`customer hears ${wanted}`, () => within(async () => {
    const {rmsDb, dominantHz} = await direct('heard', {interactionId});
    check(dominantHz, rmsDb, wanted);
  }));
}

async function within(fact, ms = 5000) {
  const limit = Date.now() + ms;
  for (;;) {
    try {
      return await fact();
    } catch (error) {
      if (Date.now() > limit) throw error;
      await rest(100);
    }
  }
}

async function stories() {
  const ada = await Agent.signIn(0, ready.tlsBaseUrl);

  // A call, twice: ended by the agent, then by the customer.
  for (const byAgent of [true, false]) {
    const id = await ada.call();
    await ada.hears('the customer', 440);
    await customerHears(id, true);
    await ada.does('hold', () => task.hold().then(() => {}));
    await ada.hears('nothing', false);
    await customerHears(id, false);
    await ada.does('resume', () => task.resume().then(() => {}));
    await ada.hears('the customer', 440);
    await customerHears(id, true);
    await ada.does('mute', () => task.toggleMute());
    await customerHears(id, false);
    await ada.does('unmute', () => task.toggleMute());
    await ada.does('pause recording', () => task.pauseRecording().then(() => {}));
    await ada.does('resume recording', () => task.resumeRecording().then(() => {}));
    if (byAgent) await ada.does('end', () => task.end().then(() => {}));
    else await direct('hangUp');
    await ada.sees('task:end');
    await ada.wrapsUp();
  }

  // Decline, then RONA.
  await direct('offer', {agent: 'ada'});
  await ada.sees('task:incoming');
  await ada.rings();
  await ada.does('decline', () => task.decline());
  await ada.sees('task:rejected');
  await ada.does('available', () => available().then(() => {}));
  await direct('configure', {ringSeconds: 2});
  await direct('offer', {agent: 'ada'});
  await ada.rings();
  await ada.sees('task:rejected');
  await direct('configure', {ringSeconds: 18});
  await ada.does('available', () => available().then(() => {}));
  await ada.forget();

  // The client makes the offer; then the sandbox offers again.
  await direct('configure', {offerRequest: true});
  const asked = await ada.call();
  await ada.hears('the customer', 440);
  await customerHears(asked, true);
  await direct('reoffer', {interactionId: asked});
  await rest(1000);
  await ada.hears('the customer', 440);
  await direct('configure', {offerRequest: false});
  await direct('hangUp');
  await ada.sees('task:end');
  await ada.wrapsUp();

  // A second agent, over plain http but for the calling service.
  const bo = await Agent.signIn(1, ready.baseUrl);
  const colleague = bo.account.agentId;
  const consult = async () => {
    await ada.does('consult', (to) => task.consult({to, destinationType: 'agent', holdParticipants: true}).then(() => {}), colleague);
    await bo.accepts();
    await bo.sees('task:consultAccepted');
    await ada.sees('task:consulting');
  };
  const shared = await ada.call();
  await consult();
  await bo.hears('the colleague', true);
  await customerHears(shared, false);
  await ada.does('end consult', (taskId) => task.endConsult({isConsult: true, taskId}).then(() => {}), shared);
  await bo.sees('task:consultEnd');
  await ada.does('resume', () => task.resume().then(() => {}));
  await bo.forget();
  await consult();
  await ada.does('conference', () => task.consultConference().then(() => {}));
  await ada.sees('task:participantJoined');
  await bo.hears('customer and colleague', true);
  await customerHears(shared, true);
  await ada.does('transfer conference', () => task.transferConference().then(() => {}));
  await ada.sees('task:end');
  await ada.wrapsUp();
  await bo.hears('the customer', 440);
  await bo.does('end', () => task.end().then(() => {}));
  await bo.wrapsUp();

  // Consult transfer, queue transfer, blind transfer, of one contact.
  await ada.call();
  await consult();
  await ada.does('consult transfer', (to) => task.consultTransfer({to, destinationType: 'agent'}).then(() => {}), colleague);
  await ada.sees('task:end');
  await ada.wrapsUp();
  await bo.does('queue transfer', async () => {
    const queues = await cc.getQueues();
    await task.transfer({to: (queues.data ?? queues)[0].id, destinationType: 'queue'});
  });
  await bo.wrapsUp();
  await ada.accepts();
  await ada.sees('task:assigned');
  await ada.does('blind transfer', (to) => task.transfer({to, destinationType: 'agent'}).then(() => {}), colleague);
  await bo.accepts();
  await bo.sees('task:assigned');
  await direct('hangUp');
  await bo.sees('task:end');
  await ada.wrapsUp();
  await bo.wrapsUp();

  // Third parties who are not agents, and both legs of a consult.
  const held = await ada.call();
  await ada.does('consult a number', () => task.consult({to: '+14085550177', destinationType: 'dialNumber', holdParticipants: true}).then(() => {}));
  await ada.sees('task:consulting');
  await ada.hears('the third party', 660);
  const leg = await ada.page.evaluate(() => Object.values(task.data.interaction.media).find((one) => one.mType === 'consult').mediaResourceId);
  await ada.does('switch to main', (id) => task.resume(id).then(() => {}), leg);
  await ada.hears('the customer', 440);
  await ada.does('switch to consult', (id) => task.hold(id).then(() => {}), held);
  await ada.does('end consult', (taskId) => task.endConsult({isConsult: true, taskId}).then(() => {}), held);
  await ada.does('end', () => task.end().then(() => {}));
  await ada.wrapsUp();

  // Outdial answers by itself; a chat; a campaign preview.
  await ada.does('outdial', () => cc.startOutdial('+14085550188', '+18005550100').then(() => {}));
  await ada.rings();
  await ada.sees('task:assigned');
  await ada.does('end', () => task.end().then(() => {}));
  await ada.wrapsUp();
  await ada.call({media: 'chat'});
  await ada.does('end', () => task.end().then(() => {}));
  await ada.wrapsUp();
  const {interactionId} = await direct('campaign', {agent: 'ada', campaignId: 'Spring sale'});
  await rest(300);
  await ada.page.evaluate((id) => {
    window.preview = cc.acceptPreviewContact({campaignId: 'Spring sale', interactionId: id});
  }, interactionId);
  await ada.accepts();
  await ada.does('preview assigned', () => preview.then(() => {}));
  await direct('hangUp');
  await rest(500);
  await ada.wrapsUp();

  // Losses: either socket, then the page, in a call.
  await direct('cutSocket', {which: 'routing', agent: 'ada'});
  await ada.sees('agent:reloginSuccess', 25000);
  await direct('cutSocket', {which: 'mercury', agent: 'ada'});
  await rest(3000);
  await ada.call();
  const isLoggedIn = await ada.register();
  await step('the session is found again', () => { if (!isLoggedIn) throw new Error('not logged in'); });
  await direct('hangUp');
  await rest(500);
  await ada.does('find the contact', () => { [window.task] = Object.values(cc.taskManager.getAllTasks()); });
  await ada.wrapsUp();
  await ada.does('logout', () => cc.stationLogout({logoutReason: 'User requested logout'}).then(() => {}));
  await ada.does('deregister', () => cc.deregister());
}

/** Everything a console asks besides calls. */
async function lists(agent) {
  await agent.does('buddies', () => cc.getBuddyAgents({mediaType: 'telephony', state: 'Available'}).then(() => {}));
  await agent.does('queues', async () => { if (!(await cc.getQueues()).data.length) throw new Error('none'); });
  await agent.does('entry points', async () => { if (!(await cc.getEntryPoints()).data.length) throw new Error('none'); });
  await agent.does('address book', async () => { if (!(await cc.addressBook.getEntries()).data.length) throw new Error('none'); });
  await agent.does('outdial numbers', async () => {
    await cc.getOutdialAniEntries({outdialANI: profile.outDialANIId ?? profile.outdialANIId ?? 'any'});
  });
  await agent.does('idle', async () => {
    const code = profile.idleCodes.find((one) => !one.isSystem && one.id !== '0');
    await cc.setAgentState({state: 'Idle', auxCodeId: code.id, lastStateChangeReason: code.name, agentId: profile.agentId});
  });
  await agent.does('upload logs', () => cc.uploadLogs().then(() => {}));
  await agent.does('available', () => available().then(() => {}));
}

/** Refusals in frames and in status codes, a spent token; the call goes on. */
async function refusals(agent) {
  const id = await agent.call();
  await direct('refuseNext', {verb: 'hold', reason: 'NOT_NOW'});
  await agent.fails('hold refused by a frame', () => task.hold());
  await direct('refuseNext', {verb: 'hold', status: 409});
  await agent.fails('hold refused with 409', () => task.hold());
  await direct('expireToken', {agent: agent.account.agentId});
  await agent.fails('hold with a spent token', () => task.hold());
  await direct('answerLate', {verb: 'hold', ms: 500});
  await agent.does('hold whose frame comes first', () => task.hold().then(() => {}));
  await agent.does('resume', () => task.resume().then(() => {}));
  await agent.hears('the customer', 440);
  // Both sockets go in the call; sound stays, and what comes after arrives.
  await agent.forget();
  await direct('cutSocket', {which: 'mercury', agent: agent.account.agentId});
  await direct('cutSocket', {which: 'routing', agent: agent.account.agentId, seconds: 2});
  await agent.hears('the customer', 440);
  await customerHears(id, true);
  await agent.sees('agent:reloginSuccess', 30000);
  await agent.does('hold', () => task.hold().then(() => {}));
  await agent.does('resume', () => task.resume().then(() => {}));
  await agent.hears('the customer', 440);
  await direct('hangUp');
  await agent.sees('task:end');
  await agent.wrapsUp();
}

/** Three at one table, one leaves; a consult by queue. */
async function conferences(owner, guest) {
  const id = await owner.call();
  await owner.does('consult', (to) => task.consult({to, destinationType: 'agent', holdParticipants: true}).then(() => {}), guest.account.agentId);
  await guest.accepts();
  await owner.sees('task:consulting');
  await owner.does('conference', () => task.consultConference().then(() => {}));
  await owner.sees('task:participantJoined');
  await guest.hears('customer and colleague', true);
  await owner.hears('customer and colleague', true);
  await customerHears(id, true);
  await owner.does('exit conference', () => task.exitConference().then(() => {}));
  await guest.hears('the customer', 440);
  await owner.wrapsUp();
  await guest.does('end', () => task.end().then(() => {}));
  await guest.wrapsUp();

  await owner.call();
  await owner.does('consult a queue', async () => {
    const queues = await cc.getQueues();
    const to = queues.data.find((one) => one.channelType === 'TELEPHONY').id;
    task.consult({to, destinationType: 'queue', holdParticipants: true}).catch(() => {});
    window.queue = to;
  });
  await guest.accepts();
  await owner.sees('task:consulting');
  await guest.hears('the colleague', true);
  await owner.does('end consult', (taskId) => task.endConsult({isConsult: true, taskId, queueId: window.queue}).then(() => {}), await owner.page.evaluate(() => task.data.interactionId));
  await owner.does('resume', () => task.resume().then(() => {}));
  await owner.does('end', () => task.end().then(() => {}));
  await guest.forget();
  await owner.wrapsUp();
}

/** A wrap-up that ends by itself, or not. */
async function autoWrapUp(index) {
  await direct('configure', {autoWrapUp: 'on', autoWrapAfter: 2000});
  const agent = await Agent.signIn(index, ready.tlsBaseUrl);
  await agent.call();
  await agent.does('end', () => task.end().then(() => {}));
  await agent.sees('task:wrappedup', 6000);
  await rest(300);
  await agent.forget();
  await agent.call();
  await agent.does('end', () => task.end().then(() => {}));
  await agent.does('keep the wrap-up open', () => task.cancelAutoWrapupTimer());
  await rest(2500);
  await agent.wrapsUp();
  await direct('configure', {autoWrapUp: 'off'});
  return agent;
}

/** The calling host goes away: the line moves to the backup, and calls ring there. A line in the way is deleted. */
async function failover(agent) {
  await direct('configure', {keepaliveSeconds: 1});
  await agent.register();
  await direct('outage', {which: 'mobius', host: 'primary1', seconds: 60});
  const seen = (host) => step(`the line is at ${host}`, () => within(async () => {
    const {entries} = await direct('journal');
    const last = entries.filter((one) => one.path?.endsWith('/calling/web/device') && one.status === 200).at(-1);
    if (last?.host !== host) throw new Error(`at ${last?.host}`);
  }, 20000));
  await seen('backup1');
  await agent.call();
  await agent.hears('the customer', 440);
  await agent.does('end', () => task.end().then(() => {}));
  await agent.wrapsUp();
  await direct('outage', {which: 'mobius', host: 'primary1', seconds: 0});
  await direct('configure', {keepaliveSeconds: 30, oneDevicePerAgent: true});
  const loggedIn = await agent.register();
  await step('the session is found again', () => { if (!loggedIn) throw new Error('not logged in'); });
  await direct('configure', {oneDevicePerAgent: false});
  await agent.call();
  await agent.hears('the customer', 440);
  await agent.does('end', () => task.end().then(() => {}));
  await agent.wrapsUp();
}

async function signsOut(agent) {
  await agent.does('logout', () => cc.stationLogout({logoutReason: 'User requested logout'}).then(() => {}));
  await agent.does('login again', (teamId) => cc.stationLogin({teamId, loginOption: 'BROWSER'}).then(() => {}), agent.account.teamId);
  await agent.does('logout', () => cc.stationLogout({logoutReason: 'User requested logout'}).then(() => {}));
  await agent.does('deregister', () => cc.deregister());
}

const acts = {
  stories,
  lists: async () => lists(await Agent.signIn(1, ready.tlsBaseUrl)),
  refusals: async () => refusals(await Agent.signIn(1, ready.tlsBaseUrl)),
  conferences: async () => {
    const cem = await autoWrapUp(2);
    const bo = await Agent.signIn(1, ready.tlsBaseUrl);
    await conferences(bo, cem);
    await signsOut(bo);
    await signsOut(cem);
  },
  failover: async () => failover(await Agent.signIn(2, ready.tlsBaseUrl)),
};

try {
  for (const [name, act] of Object.entries(acts)) {
    if (only && only !== name) continue;
    console.log('---', name);
    await act();
    // Whoever is still there vanishes, as people do.
    for (const context of browser.browserContexts().slice(1)) await context.close();
  }
  console.log('ALL OK');
} catch {
  process.exitCode = 1;
  const {entries} = await direct('journal');
  const beside = /metric|client-logs|director/;
  for (const one of entries.filter(({path}) => !beside.test(path)).slice(-60)) console.log(JSON.stringify(one).slice(0, 600));
}
await browser.close();
server.close();
sandbox.stdin.end();
