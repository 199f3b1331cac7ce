// Read by the TypeScript compiler alone: what the declarations take, and what they must not.
import { JitsiTokenError, JitsiTokenService, decodeToken, getJitsiToken, meetingOptions } from '../jaas-token.js';

export async function callsOfTheOldSnippet(): Promise<string[]> {
  const meeting = {
    room: 'my-meeting-room',
    userId: 'user123',
    userName: 'John Doe',
    userEmail: 'john@example.com',
    isModerator: true,
  };
  return [await getJitsiToken(), await getJitsiToken(meeting), await JitsiTokenService.getToken(meeting)];
}

export async function everyOption(signal: AbortSignal): Promise<number | undefined> {
  const service = new JitsiTokenService({
    server: 'https://tokens.example.org',
    method: 'GET',
    identity: () => 'jane',
  });
  try {
    const token: string = await service.getToken({
      authorization: async () => null,
      features: ['recording'],
      userAvatar: 'https://example.org/a.png',
      isHiddenFromRecorder: 'true',
      signal,
      timeoutMs: 1,
      refreshMarginSeconds: 1,
      fresh: true,
      rememberGuest: true,
      onExpiring: async (renew) => void (await renew()),
      fetch,
    });
    service.clear();
    const expires: number = decodeToken(token).payload.exp;
    return expires;
  } catch (error) {
    return error instanceof JitsiTokenError && error.code === 'http' ? error.status : undefined;
  }
}

export async function whatIsNotThere(person: { name?: string; email: string | null }): Promise<string> {
  const { roomName } = meetingOptions(await getJitsiToken({ userName: person.name, userEmail: person.email, room: null }));
  return roomName;
}

// @ts-expect-error: a misspelt option
void getJitsiToken({ userID: 'x' });
// @ts-expect-error: another method
void getJitsiToken({ method: 'PUT' });
// @ts-expect-error: a credential and not what gives one
void getJitsiToken({ authorization: 'Bearer x' });
