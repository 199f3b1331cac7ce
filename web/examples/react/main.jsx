import { JaaSMeeting } from '@jitsi/react-sdk';
import { JitsiTokenService, meetingOptions } from 'jaas-token';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

const tokens = new JitsiTokenService({ server: 'https://YOUR-HOST' });

function Meeting({ room, userName }) {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState('');

  // A kept token that is still good is returned at once, so that this is called at every join.
  const join = () => tokens.getToken({ room, userName }).then(setToken, (error) => setProblem(error.message));

  if (!token) {
    return (
      <>
        <button type="button" onClick={join}>
          Join
        </button>
        <p role="status">{problem}</p>
      </>
    );
  }
  const { appId, room: roomName, jwt } = meetingOptions(token);
  return (
    <JaaSMeeting
      appId={appId}
      roomName={roomName}
      jwt={jwt}
      getIFrameRef={(node) => (node.style.height = '80vh')}
      onReadyToClose={() => setToken('')}
    />
  );
}

createRoot(document.getElementById('root')).render(<Meeting room="my-room" userName="Jane Smith" />);
