// The stream of the service: numbered messages into a state, as callcenter/board/delta.py makes them.
//
// `onstate(state)` after each message; `onlive(live, why)` when the board may be believed, or no longer: a message is missing
// for QUIET_MS, or the connection is gone. Then it is opened anew, and everything begins with the whole state.
"use strict";

const QUIET_MS = 2500;
const AGAIN_MS = [500, 1000, 2000, 5000];
// How long a question may be without an answer. A browser has six connections to one service: behind a network that swallows
// everything, questions that nobody ends take them all, and none is left for the stream.
const ANSWER_MS = 2500;

export class Stream {
  constructor(onstate, onlive) {
    this.onstate = onstate;
    this.onlive = onlive;
    this.state = {};
    this.number = null; // of the newest message; null: the whole state is awaited
    this.behindMs = 0; // the service's clock minus ours
    this.heardAt = null; // our clock, at the newest message; null: none yet
    this.tries = 0;
    this.timer = null; // of the next try; null: none is due, a connection is open or on its way
    this.build = null; // the service's page when we were loaded
    this.ends = false; // it said that it ends: until it is gone it refuses boards, and not because they are too many
    setInterval(() => this.look(), 250);
    this.open();
  }

  now() {
    return Date.now() + this.behindMs;
  }

  open() {
    this.timer = null;
    this.number = null;
    this.openedAt = Date.now();
    this.source = new EventSource("/board/events");
    this.source.addEventListener("state", (event) => this.take(event, (m) => { this.state = m.state; this.number = m.number; }));
    this.source.addEventListener("delta", (event) => this.take(event, (m) => this.change(m)));
    this.source.addEventListener("beat", (event) => this.take(event, (m) => this.follow(m.number)));
    this.source.addEventListener("end", (event) => this.again(JSON.parse(event.data).why));
    this.source.onerror = () => this.again("connection");
  }

  take(event, change) {
    const message = JSON.parse(event.data);
    change(message);
    if (this.number === null) return;
    this.behindMs = message.now_ms - Date.now();
    this.heardAt = Date.now();
    this.tries = 0;
    this.ends = false;
    this.reloadIfOld();
    this.onlive(true);
    this.onstate(this.state);
  }

  change(message) {
    if (this.number === null || message.number !== this.number + 1) return this.again("gap");
    this.number = message.number;
    for (const [name, rows] of Object.entries(message.delta)) {
      const section = { ...this.state[name] };
      for (const [key, row] of Object.entries(rows)) {
        if (row === null) delete section[key];
        else section[key] = row;
      }
      this.state = { ...this.state, [name]: section };
    }
  }

  follow(number) {
    if (number !== this.number) this.again("gap");
  }

  look() {
    const since = this.heardAt ?? this.openedAt;
    // While a try is due it was said why, and nobody asks for another one: each would put it off.
    if (this.timer === null && Date.now() - since > QUIET_MS) {
      this.onlive(false, "quiet");
      if (Date.now() - Math.max(since, this.openedAt) > 2 * QUIET_MS) this.again("quiet");
    }
  }

  async again(why) {
    this.source.close();
    this.number = null;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), AGAIN_MS[Math.min(this.tries++, AGAIN_MS.length - 1)]);
    if (why === "gap") return;
    this.ends ||= why === "service";
    this.onlive(false, why);
    try {
      // An event source does not tell why it was refused.
      const answer = await fetch("/board/events", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
      if (answer.status === 401) location.reload();
      if (answer.status === 503 && !this.ends) this.onlive(false, "full_up");
    } catch {
      this.ends = false; // the service is away: the timer tries again
    }
  }

  reloadIfOld() {
    const build = this.state.service.build;
    this.build ??= build;
    if (build !== this.build) location.reload();
  }
}
