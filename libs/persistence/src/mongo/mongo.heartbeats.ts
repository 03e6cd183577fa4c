import { type mongo } from 'mongoose';

/** The driver's default between two questions, and how long a server may hold back its answer to one that asks for news, ms. */
const HEARTBEAT_MS = 10_000;
/** More than the driver's own deadlines, for timers that come late, ms. */
const LATE_MS = 1_000;

/**
 * Tells, once, when the client has stopped looking for a server. The driver (mongodb 7.8, and 7.9) asks a server whether it is
 * there over a connection of its own. When it asks just after that connection broke and before it was told so, it waits for ever
 * for the socket to drain, past all its timeouts, and never asks again: every later operation fails for want of a server.
 */
export function watchHeartbeats(client: mongo.MongoClient, connectTimeoutMs: number, hung: () => void): void {
  const asked = new Map<string, NodeJS.Timeout>();
  let told = false;
  const answered = (address: string): void => {
    clearTimeout(asked.get(address));
    asked.delete(address);
  };
  client.on('serverHeartbeatStarted', ({ connectionId: address, awaited }) => {
    answered(address);
    // A new connection has its timeout twice: to be made, and to be greeted.
    const patienceMs = 2 * connectTimeoutMs + LATE_MS + (awaited ? HEARTBEAT_MS : 0);
    const timer = setTimeout(() => {
      if (told) return;
      told = true;
      hung();
    }, patienceMs);
    asked.set(address, timer.unref());
  });
  client.on('serverHeartbeatSucceeded', ({ connectionId: address }) => {
    answered(address);
  });
  client.on('serverHeartbeatFailed', ({ connectionId: address }) => {
    answered(address);
  });
  client.on('serverClosed', ({ address }) => {
    answered(address);
  });
}
