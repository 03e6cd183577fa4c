import { type InboxName } from '@clipmesh/contracts';
import { type BrokerSettlement } from '@clipmesh/messaging';
import { type Random } from '../random.js';
import { type Item, type SimBroker } from './sim.broker.js';
import { type Process, type World } from '../world.js';

/** Settles a delivery at the simulated broker. */
export function settlingOf(
  { broker, world, random }: { broker: SimBroker; world: World; random: Random },
  process: Process,
  inbox: InboxName,
  item: Item,
): BrokerSettlement {
  const isAlive = (): boolean => process.alive;
  return {
    ack: () => {
      if (!isAlive()) return;
      // A lost ack: the handled message is redelivered.
      if (random.chance(0.02)) item.holder = { process: { name: 'nobody', alive: false }, aliveAtMs: world.now };
      else broker.remove(inbox, item);
    },
    nak: (delayMs) => {
      if (!isAlive()) return;
      item.holder = undefined;
      item.notBefore = world.now + delayMs;
    },
    term: () => {
      if (isAlive()) broker.remove(inbox, item);
    },
    deadLetter: (error) =>
      world.effect(process, () => {
        broker.deadLetters.push({ item, error });
      }),
  };
}
