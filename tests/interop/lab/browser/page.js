// A telephone of JsSIP for the lab: what it tells is in `told`, what it hears in `heard`.
'use strict';

const told = [];
const RATE = 16000;
const UNPROCESSED = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const OPTIONS = {
  mediaConstraints: { audio: UNPROCESSED, video: false },
  pcConfig: { iceServers: [] },
};
let phone = null;
let session = null;
let heard = [];

function start(socket, uri, password) {
  phone = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(socket)],
    uri, password, register: true, session_timers: false,
  });
  phone.on('registered', () => told.push('registered'));
  phone.on('registrationFailed', (event) => told.push(`refused ${event.cause}`));
  phone.on('newRTCSession', ({ originator, session: fresh }) => {
    session = fresh;
    for (const name of ['progress', 'accepted', 'confirmed', 'ended', 'failed']) {
      session.on(name, (event) => told.push(`${name} ${(event && event.cause) || ''}`.trim()));
    }
    session.on('sdp', ({ originator: whose, type, sdp }) => told.push(`sdp ${whose} ${type}\n${sdp}`));
    if (originator === 'remote') {
      session.on('peerconnection', ({ peerconnection }) => listen(peerconnection));
      session.answer(OPTIONS);
    }
  });
  phone.start();
}

function call(target) {
  phone.call(target, OPTIONS);
  listen(session.connection);
}

// Both ends look for their way anew, by a re-INVITE.
function restartIce() {
  const options = { rtcOfferConstraints: { iceRestart: true } };
  if (!session.renegotiate(options, () => told.push('renegotiated'))) told.push('busy');
}

function hangUp() {
  session.terminate();
}

// WebAudio hears a remote track only while an element plays it.
function listen(connection) {
  connection.addEventListener('track', ({ track }) => {
    const stream = new MediaStream([track]);
    const element = new Audio();
    element.srcObject = stream;
    element.muted = true;
    element.play();
    const context = new AudioContext({ sampleRate: RATE });
    const tap = context.createScriptProcessor(1024, 1, 1);
    tap.onaudioprocess = ({ inputBuffer }) => heard.push(inputBuffer.getChannelData(0).slice());
    context.createMediaStreamSource(stream).connect(tap);
    tap.connect(context.destination);
  });
}

// 16-bit samples at RATE, mono, in base64.
function recording() {
  const samples = new Int16Array(heard.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of heard) {
    for (const value of block) samples[at++] = Math.max(-1, Math.min(1, value)) * 32767;
  }
  const bytes = new Uint8Array(samples.buffer);
  let text = '';
  for (let from = 0; from < bytes.length; from += 8192) {
    text += String.fromCharCode(...bytes.subarray(from, from + 8192));
  }
  return btoa(text);
}

async function statistics() {
  const all = [];
  (await session.connection.getStats()).forEach((each) => all.push(each));
  return all;
}
