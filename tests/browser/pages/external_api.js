// Stands in for 8x8's script. It opens the URL that the real script would open, reads the room from it as the Jitsi client
// does, and lets users in as their token says. `window.meetings` lists all meetings opened.
(() => {
  const removed = /[:?#[\]@!$&'()*+,;=></"]/g;

  window.meetings = [];
  window.JitsiMeetExternalAPI = class {
    #listeners = new Map();

    constructor(domain, { roomName, jwt, parentNode, ...others }) {
      this.options = { domain, roomName, jwt, others: Object.keys(others).sort() };
      this.parentNode = parentNode;
      this.frame = parentNode.appendChild(document.createElement('p'));
      this.frame.textContent = 'meeting';
      window.meetings.push(this);

      const address = new URL(`https://${domain}/${roomName}`);
      const [, tenant, name] = address.pathname.split('/').map((part) => part.replace(removed, ''));
      const room = encodeURIComponent(decodeURIComponent(name).normalize('NFKC').toLowerCase()).toLowerCase();
      const claims = JSON.parse(
        new TextDecoder().decode(Uint8Array.from(atob(jwt.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))),
      );
      this.joined = claims.sub === tenant && claims.room === room && Date.now() / 1000 < claims.exp;
      this.userName = claims.context.user.name;
      setTimeout(() => this.emit(this.joined ? 'videoConferenceJoined' : 'errorOccurred', {}));
    }

    addListener(name, listener) {
      this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    }

    on(name, listener) {
      this.addListener(name, listener);
    }

    addEventListener(name, listener) {
      this.addListener(name, listener);
    }

    emit(name, event) {
      for (const listener of this.#listeners.get(name) ?? []) listener(event);
    }

    dispose() {
      this.disposed = true;
      this.frame.remove();
    }
  };
})();
