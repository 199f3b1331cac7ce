/** What may be left out: `undefined` and `null` count as left out. */
type Maybe<T> = T | null | undefined;

/** The token that is wanted, for whom, and how to get it. All options may be left out. */
export interface TokenOptions {
  /** The meeting room. Default: the service's `default_room`. */
  room?: Maybe<string>;
  /** The person's id. Default: `user123` for {@link getJitsiToken}, else a random one for each page load. */
  userId?: Maybe<string>;
  /**
   * `true`: where there is neither `userId` nor a credential, the id that the service gave is kept in local storage and
   * sent again, so that a guest who comes back is the same, and counts once in a month. Default: `false`.
   */
  rememberGuest?: Maybe<boolean>;
  /** The display name. Default: `Anonymous User`. */
  userName?: Maybe<string>;
  /** The e-mail address; every participant can see it. Default: the service's `default_user_email`. */
  userEmail?: Maybe<string>;
  /** The address of a picture, `https`. Default: none. */
  userAvatar?: Maybe<string>;
  /**
   * Whether to be a moderator. Not sent where `authorization` is given: the credential decides. Default: the service's
   * `default_moderator`; `false` for {@link getJitsiToken} and the static `getToken`, as in the old snippet.
   */
  isModerator?: Maybe<boolean | 'true' | 'false'>;
  /**
   * What to be at most: only lowers what a credential or an invitation says. Default: not sent. A visitor sees and hears
   * and does not speak.
   */
  role?: Maybe<'visitor' | 'member' | 'moderator'>;
  /** Whether recordings should leave the person out, a moderator's right. Default: not sent. */
  isHiddenFromRecorder?: Maybe<boolean | 'true' | 'false'>;
  /** The features that are wanted, of those that the role may have. Default: all of them. */
  features?: Maybe<readonly string[]>;

  /** The service's URL, with or without `/api/jitsi-token`; a path is one of the page's own origin. Default: that origin. */
  server?: Maybe<string | URL>;
  /** `POST` (default) keeps names out of URLs and logs; a `GET` without `authorization` needs no preflight. */
  method?: Maybe<'GET' | 'POST'>;
  /**
   * Returns the credential of your login, with or without `Bearer ` before it; nothing: no header is sent. Called for
   * every call of `getToken`, or where `identity` is given only for every request; and once more after a 401, for the
   * request is then sent again.
   */
  authorization?: Maybe<() => Credential | PromiseLike<Credential>>;
  /**
   * An invitation; `true`: the one in the fragment of the page's address, `#invitation=…`, which is taken out of the
   * address bar at once and remembered until the page is left. With one, `method` is `POST`, and neither `authorization`
   * nor `isModerator` is sent. Without one in the address, everything is as if the option were left out.
   */
  invitation?: Maybe<string | true>;
  /**
   * Who is logged in, in a word that changes with the person and their rights. With it a kept token is found although
   * the credential has changed. Nothing: the credential itself.
   */
  identity?: Maybe<string | (() => string | null | undefined)>;
  /**
   * Ends this call, which then rejects with the signal's reason, and its `onExpiring`. Others who wait for the same
   * request get their token.
   */
  signal?: Maybe<AbortSignal>;
  /** How long this call may take, in milliseconds. Default: 10,000. */
  timeoutMs?: Maybe<number>;
  /**
   * A kept token with less life left than this, in seconds, is replaced. Default: 60. Never more than half of the
   * token's life.
   */
  refreshMarginSeconds?: Maybe<number>;
  /** `true`: get a new token although one is kept. Default: `false`. */
  fresh?: Maybe<boolean>;
  /**
   * Called once, `refreshMarginSeconds` before the token of this call ends, unless `signal` or `clear` came before.
   * `renew` gets the next token, by the same options, `onExpiring` included. A meeting that goes on needs none; who
   * reloads, rejoins or loses the connection does.
   */
  onExpiring?: Maybe<(renew: () => Promise<string>) => void>;
  /** What sends the request. Default: the browser's `fetch`. */
  fetch?: Maybe<typeof globalThis.fetch>;
}

/** What `authorization` returns. */
export type Credential = string | null | undefined;

/**
 * - `http`: the service rejected the request; `status` is the HTTP status, `serverMessage` the service's sentence. A 404
 *   tells of a wrong path in `server`.
 * - `network`: no response, or one that the browser does not let the page read because of its origin or a header.
 * - `timeout`: `timeoutMs` is over.
 * - `malformed`: what came is not a token.
 * - `expired`: the token had no life left when it came.
 */
export type ErrorCode = 'http' | 'network' | 'timeout' | 'malformed' | 'expired';

/** Why there is no token. */
export declare class JitsiTokenError extends Error {
  constructor(
    code: ErrorCode,
    message: string,
    details?: { status?: number | undefined; serverMessage?: string | undefined; cause?: unknown },
  );
  /** What kind of failure it is. */
  code: ErrorCode;
  /** The HTTP status, where there was a response. */
  status: number | undefined;
  /** The service's own sentence, where it sent one; then `message` is the same, except for a 404. */
  serverMessage: string | undefined;
}

/** Gets tokens, and keeps them in memory while they are good. Failures are not kept. */
export declare class JitsiTokenService {
  /**
   * @param defaults options for every call
   * @throws {TypeError} `server` or `method` cannot be used
   */
  constructor(defaults?: TokenOptions);
  /**
   * A token: a kept one, that of a request under way for the same options, or a new one.
   *
   * Rejects with a {@link JitsiTokenError}, with the reason of `signal`, with what `authorization` threw, or with a
   * `TypeError` where an option cannot be used.
   */
  getToken(options?: TokenOptions): Promise<string>;
  /** As the method, by a service without defaults that the whole page shares. */
  static getToken(options?: TokenOptions): Promise<string>;
  /** Forgets every token, as when somebody logs out. */
  clear(): void;
}

/** As {@link JitsiTokenService.getToken}, except for the default of `userId`. */
export declare function getJitsiToken(options?: TokenOptions): Promise<string>;

/**
 * Reads a token's two JSON parts. Does not verify the signature.
 *
 * @throws {JitsiTokenError} with code `malformed`
 */
export declare function decodeToken(token: string): {
  header: Record<string, any>;
  payload: Record<string, any>;
};

/** Where a token lets its person in, for each way of joining. */
export interface MeetingOptions {
  /** The first argument of `JitsiMeetExternalAPI`: `8x8.vc`. For a mobile SDK the server is `https://` and this. */
  domain: string;
  /** The address of 8x8's script, which defines `JitsiMeetExternalAPI`. */
  script: string;
  /** For `JaaSMeeting` of `@jitsi/react-sdk`: `appId`. */
  appId: string;
  /** For `JaaSMeeting`: `roomName`. */
  room: string;
  /** For `JitsiMeetExternalAPI`: `roomName`; for a mobile SDK: `room`. App ID, slash, room. */
  roomName: string;
  /** The token: `jwt` everywhere, `token` for a mobile SDK. */
  jwt: string;
}

/**
 * What it takes to join with a token. App ID and room are the token's own, so that nothing can differ from it.
 *
 * @throws {JitsiTokenError} with code `malformed`
 */
export declare function meetingOptions(token: string): MeetingOptions;
