// @ts-check
/**
 * Invitations: making one, and the one that the page was opened with.
 *
 * `#invite[data-state]`: idle, loading, made, refused, failed; `#invitation-link` has the link to this page.
 */

import { any, button, element, input, write } from '../shared/page.js';

/** @typedef {(name: string, values?: Record<string, string>) => string} Text */

const IN_FRAGMENT = /[#&]invitation=([\w.-]+)/;
const TIMEOUT_MS = 10_000;

let message = '';

/**
 * @param {string} state
 * @param {Text} text
 */
export function showInvite(state, text) {
  any('invite').dataset.state = state;
  write(any('invite-text'), text(`invite.${state}`, { message }));
  any('invite-result').hidden = state !== 'made';
}

/** The state of the section. */
export const inviteState = () => any('invite').dataset.state ?? 'idle';

/** Takes an invitation out of the page's address and into its field: what stands in an address is easily shown to others. */
export function takeInvitation() {
  const [found, invitation] = IN_FRAGMENT.exec(location.hash) ?? [];
  if (!found) return;
  input('invitation').value = invitation;
  element('login', HTMLDetailsElement).open = true;
  history.replaceState(history.state, '', location.pathname + location.search);
}

/**
 * @param {string} server
 * @param {Text} text
 */
export async function makeInvitation(server, text) {
  if (inviteState() === 'loading') return;
  message = '';
  showInvite('loading', text);
  const credential = input('credential').value.trim() || input('invitation').value.trim();
  const headers = new Headers({ 'Content-Type': 'application/json' });
  if (credential) headers.set('Authorization', /\s/.test(credential) ? credential : `Bearer ${credential}`);
  const order = {
    room: input('room').value,
    role: element('invite-role', HTMLSelectElement).value,
    expires_in: Number(element('invite-time', HTMLSelectElement).value),
  };
  let state = 'failed';
  try {
    const response = await fetch(new URL('/api/invitations', server), {
      method: 'POST',
      headers,
      body: JSON.stringify(order),
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await response.json();
    if (response.ok) {
      // To this page, to show the result; a site's own links come from invitation_link.
      const link = new URL(location.href);
      link.searchParams.set('server', server);
      link.searchParams.delete('moderator');
      link.hash = `invitation=${body.invitation}`;
      input('invitation-link').value = link.href;
      element('open-invitation', HTMLAnchorElement).href = link.href;
      state = 'made';
    } else {
      message = String(body.error ?? response.status);
      state = 'refused';
    }
  } catch {
    // The token's own request says why a service cannot be reached.
  }
  showInvite(state, text);
}

/**
 * @param {() => string} server
 * @param {Text} text
 */
export function startInvitations(server, text) {
  button('make-invitation').addEventListener('click', () => makeInvitation(server(), text));
}
