// @ts-check
/**
 * What Jitsi looks at in a token, without the page around it.
 *
 * The numbered checks are those of Jitsi's web client (jitsi-meet, `react/features/base/jwt/functions.ts`,
 * `validateJwt`) in its order; the named ones are Prosody's, as far as they can be made without the public key.
 */

import { decodeToken } from '../jaas-token.js';

/** @typedef {'pass' | 'fail' | 'skip'} Verdict */
/** @typedef {{ verdict: Verdict, values: Record<string, string> }} Finding */

/** The web client's, in its order. */
export const CLIENT_CHECKS = Array.from({ length: 14 }, (_, place) => String(place + 1));

/** Prosody's. */
export const PROSODY_CHECKS = ['alg', 'typ', 'aud', 'room', 'user'];

/** Keys that the web client knows; it reports any other. */
export const FEATURES = new Set(
  (
    'livestreaming recording transcription sip-inbound-call sip-outbound-call inbound-call outbound-call ' +
    'file-upload list-visitors send-groupchat create-polls flip branding calendar live-translation lobby ' +
    'moderation room screen-sharing send-private-message'
  ).split(' '),
);

/**
 * Makes every check.
 *
 * @param {string} token
 * @param {number} nowSeconds seconds since 1970 by the browser's clock, which is the one that the web client reads
 * @param {string} wantedRoom the room of the form, as it was typed; may be empty
 * @returns {Map<string, Finding>}
 */
export function check(token, nowSeconds, wantedRoom) {
  const [header, payload] = [0, 1].map((place) => part(token, place));
  /** @type {Map<string, Finding>} */
  const findings = new Map();
  /**
   * @param {string} id
   * @param {boolean | undefined} holds `undefined`: what it looks at is not there
   * @param {Record<string, unknown>} [values] for the sentence
   */
  const add = (id, holds, values = {}) => {
    const verdict = holds === undefined ? 'skip' : holds ? 'pass' : 'fail';
    const texts = Object.entries(values).map(([name, value]) => [name, shown(value)]);
    findings.set(id, { verdict, values: Object.fromEntries(texts) });
  };

  add('1', header !== undefined);
  add('2', payload !== undefined);
  const both = header && payload ? { header, payload } : undefined;
  /** @param {(parts: { header: any, payload: any }) => boolean | undefined} rule */
  const of = (rule) => both && rule(both);

  const sub = payload?.sub;
  const kid = header?.kid;
  const ofTenant = typeof sub === 'string' && sub.startsWith('vpaas-magic-cookie');
  const hasKid = typeof kid === 'string' && kid !== '';
  add(
    '3',
    of(() => ofTenant && hasKid),
    { kid },
  );
  add(
    '4',
    of(() => (hasKid && ofTenant ? kid.slice(0, Math.max(0, kid.indexOf('/'))) === sub : undefined)),
    { kid, sub },
  );
  add(
    '5',
    of(({ payload }) => payload.aud === 'jitsi'),
    { aud: payload?.aud },
  );
  add(
    '6',
    of(({ payload }) => payload.iss === 'chat'),
    { iss: payload?.iss },
  );
  const { context, nbf, exp } = payload ?? {};
  add(
    '7',
    of(() => isObject(context?.features)),
  );

  add(
    '8',
    of(() => nbf === undefined || isTime(nbf)),
    { nbf },
  );
  add(
    '9',
    of(() => (isTime(nbf) ? nbf <= nowSeconds : nbf === undefined || undefined)),
    { time: nbf },
  );
  add(
    '10',
    of(() => isTime(exp)),
    { exp },
  );
  add(
    '11',
    of(() => (isTime(exp) ? nowSeconds < exp : undefined)),
    { time: exp },
  );

  add(
    '12',
    of(() => isObject(context)),
  );
  const features = isObject(context?.features) ? Object.entries(context.features) : undefined;
  const unknown = features?.filter(([key]) => !FEATURES.has(key)).map(([key]) => key);
  add(
    '13',
    of(() => unknown && unknown.length === 0),
    {
      count: String(features?.length ?? 0),
      keys: unknown?.join(', '),
    },
  );
  const odd = features?.filter(([, value]) => ![true, false, 'true', 'false'].includes(/** @type {any} */ (value)));
  add(
    '14',
    of(() => odd && odd.length === 0),
    { keys: odd?.map(([key]) => key).join(', ') },
  );

  add('alg', header && header.alg === 'RS256', { alg: header?.alg });
  add('typ', header && header.typ === 'JWT', { typ: header?.typ });
  add('aud', payload && typeof payload.aud === 'string', { aud: payload?.aud });
  const room = payload?.room;
  const wanted = wantedRoom.trim() === '' ? room : roomClaim(wantedRoom);
  add('room', payload && typeof room === 'string' && room !== '' && room !== '*' && room === wanted, { room, wanted });
  add('user', payload && isObject(context?.user) && Object.values(context.user).every((value) => value !== null));
  return findings;
}

/**
 * How Jitsi writes a room's name, which is what the token must have.
 *
 * The client takes it from the address that the page opens: first it drops characters that its server cannot take
 * (`_ROOM_EXCLUDE_PATTERN`), and only then decodes what is percent-encoded (`getBackendSafeRoomName`). A browser has
 * encoded quotes and angle brackets by then, so those are kept.
 *
 * @param {string} typed
 */
export function roomClaim(typed) {
  // The rest would be the address's query or fragment.
  const [path] = typed.trim().split(/[?#]/, 1);
  let name = path.replace(/[:@!&',;=()[\]$+*]/g, '');
  try {
    name = decodeURIComponent(name);
  } catch {
    // It is not encoded.
  }
  return encodeURIComponent(name.normalize('NFKC').toLowerCase()).toLowerCase();
}

/**
 * @param {string} token
 * @param {number} place
 */
function part(token, place) {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    // One part alone: the other may be unreadable.
    return decodeToken(`${parts[place]}.${parts[place]}.`).header;
  } catch {
    return undefined;
  }
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null;
}

/**
 * Whole seconds that a date can have (`isValidUnixTimestamp`).
 *
 * @param {unknown} value
 * @returns {value is number}
 */
function isTime(value) {
  return Number.isInteger(value) && !Number.isNaN(new Date(Number(value) * 1000).getTime());
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '–');
}
