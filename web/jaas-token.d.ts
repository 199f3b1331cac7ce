/** An option that may be omitted: `undefined` and `null` count as omitted. */
type Maybe<T> = T | null | undefined;

/** Which token to get, for whom, and how. All options may be omitted. */
export interface TokenOptions {
  /** The meeting room. Default: the service's `default_room`. */
  room?: Maybe<string>;
  /** The person's id. Default: `user123` for {@link getJitsiToken}, otherwise a random one for each page load. */
  userId?: Maybe<string>;
  /**
   * `true`: if there is neither a `userId` nor a credential, the id from the service is kept in local storage and sent
   * again, so that a returning guest has the same id and counts once a month. Default: `false`.
   */
  rememberGuest?: Maybe<boolean>;
  /** The display name. Default: `Anonymous User`. */
  userName?: Maybe<string>;
  /** The e-mail address; every participant can see it. Default: the service's `default_user_email`. */
  userEmail?: Maybe<string>;
  /** The address of a picture, `https`. Default: none. */
  userAvatar?: Maybe<string>;
  /**
   * Whether to be a moderator. Not sent if `authorization` is given: the credential decides. Default: the service's
   * `default_moderator`; `false` for {@link getJitsiToken} and the static `getToken`, as in the old snippet.
   */
  isModerator?: Maybe<boolean | 'true' | 'false'>;
  /**
   * The highest role to have; it can only lower the role of a credential or an invitation. A visitor can see and hear,
   * but not speak. Default: not sent.
   */
  role?: Maybe<'visitor' | 'member' | 'moderator'>;
  /** Whether recordings should leave the person out; granted only to moderators. Default: not sent. */
  isHiddenFromRecorder?: Maybe<boolean | 'true' | 'false'>;
  /** The requested features, of those that the role may have. Default: all of them. */
  features?: Maybe<readonly string[]>;

  /** The service's URL, with or without `/api/jitsi-token`; a path is on the page's origin. Default: that origin. */
  server?: Maybe<string | URL>;
  /** `POST` (default) keeps names out of URLs and logs; a `GET` without `authorization` needs no preflight. */
  method?: Maybe<'GET' | 'POST'>;
  /**
   * Returns your login's credential, with or without `Bearer ` before it. If it returns nothing, no header is sent.
   * Called for every call of `getToken`, or only for every request if `identity` is given. Called once more after a
   * 401, because the request is then retried.
   */
  authorization?: Maybe<() => Credential | PromiseLike<Credential>>;
  /**
   * An invitation; `true`: the one in the fragment of the page's address, `#invitation=…`, which is removed from the
   * address bar at once and remembered until the page is left. With an invitation, `method` is `POST`, and neither
   * `authorization` nor `isModerator` is sent. If the address has none, the option has no effect.
   */
  invitation?: Maybe<string | true>;
  /**
   * Who is logged in: a string that changes with the person and their rights. With it, a cached token is found even
   * after the credential has changed. Default: the credential itself.
   */
  identity?: Maybe<string | (() => string | null | undefined)>;
  /**
   * Cancels this call, which then rejects with the signal's reason, and its `onExpiring`. Other calls that wait for the
   * same request still get their token.
   */
  signal?: Maybe<AbortSignal>;
  /** How long this call may take, in milliseconds. Default: 10,000. */
  timeoutMs?: Maybe<number>;
  /**
   * A cached token with fewer seconds left than this is replaced. Default: 60. Never more than half of the token's
   * lifetime.
   */
  refreshMarginSeconds?: Maybe<number>;
  /** `true`: get a new token even if one is cached. Default: `false`. */
  fresh?: Maybe<boolean>;
  /**
   * Called once, `refreshMarginSeconds` before this call's token expires, unless `signal` or `clear` came first.
   * `renew` gets the next token with the same options, including `onExpiring`. A running meeting needs no new token;
   * reloading, rejoining or reconnecting does.
   */
  onExpiring?: Maybe<(renew: () => Promise<string>) => void>;
  /** The function that sends the requests. Default: the browser's `fetch`. */
  fetch?: Maybe<typeof globalThis.fetch>;
}

/** What `authorization` returns. */
export type Credential = string | null | undefined;

/**
 * - `http`: the service rejected the request; `status` is the HTTP status, `serverMessage` the service's message. A 404
 *   means that `server` has a wrong path.
 * - `network`: no response, or one that the browser does not let the page read because of its origin or a header.
 * - `timeout`: `timeoutMs` has passed.
 * - `malformed`: the response has no token, or it is not a token.
 * - `expired`: the token had expired when it arrived.
 */
export type ErrorCode = 'http' | 'network' | 'timeout' | 'malformed' | 'expired';

/** Why there is no token. */
export declare class JitsiTokenError extends Error {
  constructor(
    code: ErrorCode,
    message: string,
    details?: { status?: number | undefined; serverMessage?: string | undefined; cause?: unknown },
  );
  /** The kind of failure. */
  code: ErrorCode;
  /** The HTTP status, if there was a response. */
  status: number | undefined;
  /** The service's own message, if it sent one; then `message` is the same, except for a 404. */
  serverMessage: string | undefined;
}

/** Gets tokens, and caches them in memory while they are valid. Failures are not cached. */
export declare class JitsiTokenService {
  /**
   * @param defaults options for every call
   * @throws {TypeError} `server` or `method` cannot be used
   */
  constructor(defaults?: TokenOptions);
  /**
   * Returns a token: a cached one, the one from a pending request with the same options, or a new one.
   *
   * Rejects with a {@link JitsiTokenError}, with the reason of `signal`, with what `authorization` threw, or with a
   * `TypeError` if an option cannot be used.
   */
  getToken(options?: TokenOptions): Promise<string>;
  /** Like the method, on a service without defaults that the whole page shares. */
  static getToken(options?: TokenOptions): Promise<string>;
  /** Forgets every token, as when somebody logs out. */
  clear(): void;
}

/** Like {@link JitsiTokenService.getToken}, except for the default of `userId`. */
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

/** What each way of joining needs. */
export interface MeetingOptions {
  /** The first argument of `JitsiMeetExternalAPI`: `8x8.vc`. For a mobile SDK, the server is `https://` plus this. */
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
 * Returns what is needed to join with a token. App ID and room come from the token, so they always match it.
 *
 * @throws {JitsiTokenError} with code `malformed`
 */
export declare function meetingOptions(token: string): MeetingOptions;
