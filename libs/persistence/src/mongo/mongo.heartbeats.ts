import { type mongo } from 'mongoose';

/** Heartbeat interval of the driver (its default), and the maximum wait of an awaited heartbeat, ms. */
const HEARTBEAT_MS = 10_000;
/** Margin over the deadlines of the driver, for late timers, ms. */
const LATE_MS = 1_000;

/**
 * Calls `onHang` once when the client has stopped monitoring a server. The driver (mongodb 7.8 and 7.9) sends heartbeats over a
 * dedicated connection. If it sends one just after that connection broke and before it has noticed, it waits forever for the
 * socket to drain, past all timeouts, and sends no more heartbeats: every later operation fails without a server.
 */
export function watchHeartbeats(client: mongo.MongoClient, connectTimeoutMs: number, onHang: () => void): void {
  const pending = new Map<string, NodeJS.Timeout>();
  let reported = false;
  const answered = (address: string): void => {
    clearTimeout(pending.get(address));
    pending.delete(address);
  };
  client.on('serverHeartbeatStarted', ({ connectionId: address, awaited }) => {
    answered(address);
    // A new connection uses its timeout twice: to connect and for the handshake.
    const limitMs = 2 * connectTimeoutMs + LATE_MS + (awaited ? HEARTBEAT_MS : 0);
    const timer = setTimeout(() => {
      if (reported) return;
      reported = true;
      onHang();
    }, limitMs);
    pending.set(address, timer.unref());
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
