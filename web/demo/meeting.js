// @ts-check
/**
 * The meeting below the form, by 8x8's script.
 *
 * `#meeting[data-state]`: idle, loading, joining, joined, left, no-iframe-api, meeting-error, throw-away.
 */

import { meetingOptions } from '../jaas-token.js';
import { any, button, write } from '../shared/page.js';

/** @typedef {{ dispose(): void, addListener(name: string, listener: (event: any) => void): void }} Api */
/** @typedef {(name: string, values?: Record<string, string>) => string} Text */

const SCRIPT_MS = 15_000;

/** @type {Api | undefined} */
let meeting;
let meetingError = '';

/** Whether one goes on. */
export const isOpen = () => meeting !== undefined;

/** The state of the section. */
export const meetingState = () => any('meeting').dataset.state ?? 'idle';

/**
 * @param {string} state
 * @param {Text} text
 */
export function showMeeting(state, text) {
  any('meeting').dataset.state = state;
  write(any('meeting-text'), text(`meeting.${state}`, { error: meetingError }));
  button('join').hidden = meeting !== undefined;
  button('join').disabled = state === 'throw-away';
  button('leave').hidden = meeting === undefined;
}

/**
 * @param {string} token
 * @param {string} lang
 * @param {Text} text
 * @param {() => void} whenLeft
 */
export async function join(token, lang, text, whenLeft) {
  if (meeting || meetingState() === 'loading') return;
  showMeeting('loading', text);
  try {
    const { domain, script, roomName, jwt } = meetingOptions(token);
    const Api = await iframeApi(script);
    const parentNode = any('meeting-frame');
    /** @type {Api} */
    const made = new Api(domain, { roomName, jwt, parentNode, width: '100%', height: '100%', lang });
    meeting = made;
    made.addListener('videoConferenceJoined', () => showMeeting('joined', text));
    made.addListener('readyToClose', () => leave(text, whenLeft));
    made.addListener('errorOccurred', (event) => {
      const error = event?.error ?? event;
      if (error?.isFatal === false) return;
      meetingError = String(error?.name ?? error?.message ?? '');
      showMeeting('meeting-error', text);
    });
    parentNode.querySelector('iframe')?.setAttribute('title', text('meeting.frame'));
    showMeeting('joining', text);
    button('leave').focus();
  } catch {
    showMeeting('no-iframe-api', text);
  }
}

/**
 * @param {Text} text
 * @param {() => void} whenLeft
 */
export function leave(text, whenLeft) {
  if (!meeting) return;
  meeting.dispose();
  meeting = undefined;
  any('meeting-frame').replaceChildren();
  showMeeting('left', text);
  whenLeft();
  button('join').focus();
}

/**
 * 8x8's script, which is loaded when somebody wants to join and not before.
 *
 * @param {string} address
 * @returns {Promise<any>}
 */
async function iframeApi(address) {
  const loaded = () => /** @type {any} */ (globalThis).JitsiMeetExternalAPI;
  if (loaded()) return loaded();
  const script = document.createElement('script');
  script.src = address;
  try {
    await new Promise((resolve, reject) => {
      script.addEventListener('load', resolve, { once: true });
      script.addEventListener('error', reject, { once: true });
      setTimeout(reject, SCRIPT_MS);
      document.head.append(script);
    });
  } catch {
    script.remove();
  }
  if (!loaded()) throw new Error('the script did not load');
  return loaded();
}
