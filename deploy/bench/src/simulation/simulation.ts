import { ClipmeshError, type InboxName, isDrafted, isFinal } from '@clipmesh/contracts';
import { addRetry, NO_RETRIES, type Outcome, type RetryCounts, settleDelivery } from '@clipmesh/messaging';
import { createMemoryStores } from '@clipmesh/persistence';
import { sweepStalls } from '@clipmesh/pipeline';
import { brokenInvariants } from './invariants.js';
import { SimGateway } from './services/sim.gateway.js';
import { createRandom, type Random } from './random.js';
import { type Item, SimBroker } from './services/sim.broker.js';
import { SimNudges } from './services/sim.nudges.js';
import { SimProvider } from './services/sim.provider.js';
import { servicesOf, type SimService, type SimSystem } from './services/sim.services.js';
import { settlingOf } from './services/sim.settling.js';
import { type Mistake, PROCESSES, type SimulationResult } from './simulation.setup.js';
import { type Process, World } from './world.js';

const MAX_STEPS = 20_000;
/** Virtual time after which everything must have ended, including retries, redeliveries and revivals, ms. */
const LIMIT_MS = 6 * 60 * 60_000;
const SWEEP_MS = 15_000;

/**
 * Runs one schedule: one or two generations with broker and provider faults and dying processes, all derived from the seed.
 * The director, the settlement, the purchase, the canceler and the sweeper are the real ones.
 */
export async function simulate(seed: number, mistake?: Mistake): Promise<SimulationResult> {
  return new Simulation(seed, mistake).run();
}

class Simulation {
  private readonly random: Random;
  private readonly world: World;
  private readonly broker: SimBroker;
  private readonly system: SimSystem;
  private readonly gateway: SimGateway;
  private readonly services = new Map<Process, Record<InboxName, SimService>>();
  private readonly faults = new Map<string, RetryCounts>();
  private readonly running = new Map<string, Set<AbortController>>();
  private processes: Process[] = [];
  private readonly ids: string[] = [];
  private killsLeft: number;
  private kills = 0;
  private dropsLeft: number;
  private cancelsLeft: number;
  private retriesLeft = 2;

  constructor(
    private readonly seed: number,
    private readonly mistake: Mistake | undefined,
  ) {
    this.random = createRandom(seed);
    const { random } = this;
    this.world = new World(random, (process) => {
      this.replace(process);
    });
    this.broker = new SimBroker(this.world);
    const trouble = random.chance(0.7) ? 0.12 * random.next() : 0;
    const provider = new SimProvider(
      this.world,
      {
        rateLimit: trouble,
        unavailable: trouble,
        loseReply: trouble,
        loseRequest: trouble,
        fail: trouble,
        refuseOutput: trouble,
        loseDownload: trouble,
        badDownload: trouble,
      },
      random.chance(0.5),
    );
    this.system = {
      world: this.world,
      broker: this.broker,
      provider,
      stores: createMemoryStores(),
      files: new Map(),
      nudges: new SimNudges(random),
      mediaFaults: { fail: trouble },
      searches: mistake !== 'no search for lost purchases',
      intentFirst: mistake !== 'intent after purchase',
      claims: mistake !== 'no claims of predictions',
      draws: mistake !== 'bought clips in drafts',
    };
    this.gateway = new SimGateway(this.system, random);
    this.killsLeft = random.below(8);
    this.dropsLeft = random.chance(0.2) ? 1 : 0;
    this.cancelsLeft = random.chance(0.25) ? 1 : 0;
  }

  async run(): Promise<SimulationResult> {
    for (const name of new Set(Object.values(PROCESSES).flat())) this.start(name);
    const count = 1 + this.random.below(2);
    for (let n = 1; n <= count; n += 1)
      this.ids.push(await this.gateway.create(`gen_${n.toString(16).padStart(32, '0')}`));
    let steps = 0;
    const startMs = this.world.now;
    while (steps < MAX_STEPS && this.world.now - startMs < LIMIT_MS && (await this.step())) steps += 1;
    const records = await Promise.all(this.ids.map((id) => this.system.stores.generations.get(id)));
    const broken = await brokenInvariants(
      this.system,
      records.flatMap((found) => found?.value ?? []),
      this.gateway.approved,
    );
    return { seed: this.seed, broken, steps, kills: this.kills };
  }

  private start(name: string): void {
    const process: Process = { name, alive: true };
    this.processes.push(process);
    this.services.set(process, servicesOf(this.system, process));
    if (name === 'planner.1') this.sweepLater(process);
  }

  private replace(dead: Process): void {
    this.kills += 1;
    this.broker.orphan(dead);
    this.processes = this.processes.filter((process) => process !== dead);
    this.services.delete(dead);
    this.start(dead.name);
  }

  private sweepLater(process: Process): void {
    this.world.at(this.world.now + SWEEP_MS, process, () => {
      void sweepStalls({
        generations: this.system.stores.generations,
        backlog: () => Promise.resolve(this.broker.backlog()),
        isDirectorCaughtUp: (generationId) => Promise.resolve(this.broker.isHeard(generationId)),
        publish: (notice) => this.broker.publish(process, [notice]),
        now: () => this.world.now,
        stallAfterMs: 60_000,
        approvalMs: 3_600_000,
        maxRevivals: 3,
      }).then(() => {
        this.sweepLater(process);
      });
    });
  }

  /** Performs one step. False when nothing is left to do. */
  private async step(): Promise<boolean> {
    const { random, world, broker } = this;
    this.endFaults();
    if (this.cancelsLeft > 0 && random.chance(0.01)) this.cancel();
    if (this.dropsLeft > 0 && random.chance(0.005)) this.drop();
    if (random.chance(0.01)) await this.review();
    const ready = broker.deliverable();
    const total = ready.length + world.waiting;
    if (total > 0) {
      const pick = random.below(total);
      if (pick < ready.length) this.deliver(ready[pick]);
      else await world.happen(this.crashOf());
      return true;
    }
    if (await this.everythingEnded()) return false;
    const nextReadyMs = broker.nextReadyMs();
    if (await world.advance(nextReadyMs)) return true;
    if (nextReadyMs === Infinity) return false;
    world.now = Math.max(world.now, nextReadyMs);
    return true;
  }

  /** Ends the faults of the provider after some time, so that every schedule can end. */
  private endFaults(): void {
    const { faults } = this.system.provider;
    if (this.world.now % 97 !== 0 || this.random.chance(0.999)) return;
    for (const name of Object.keys(faults) as (keyof typeof faults)[]) faults[name] = 0;
  }

  private crashOf(): 'before' | 'after' | 'no' {
    if (this.killsLeft === 0 || !this.random.chance(0.03)) return 'no';
    this.killsLeft -= 1;
    return this.random.chance(0.5) ? 'before' : 'after';
  }

  private async everythingEnded(): Promise<boolean> {
    if (this.broker.depth > 0) return false;
    const records = await Promise.all(this.ids.map((id) => this.system.stores.generations.get(id)));
    const failed = records.find((found) => found?.value.state.status === 'failed');
    if (failed !== undefined && this.retriesLeft > 0) {
      this.retriesLeft -= 1;
      this.gateway.retry(failed.value);
      return false;
    }
    const waiting = records.find((found) => found !== undefined && isDrafted(found.value.state));
    if (waiting !== undefined) {
      await this.gateway.approve(waiting.value.id);
      return false;
    }
    return records.every((found) => found !== undefined && isFinal(found.value.state.status));
  }

  /** Changes or approves a draft. */
  private async review(): Promise<void> {
    const id = this.ids[this.random.below(this.ids.length)];
    if (id === undefined) return;
    await (this.random.chance(0.7) ? this.gateway.edit(id) : this.gateway.approve(id));
  }

  private cancel(): void {
    this.cancelsLeft -= 1;
    const generationId = this.ids[this.random.below(this.ids.length)];
    if (generationId === undefined) return;
    this.gateway.cancel(generationId);
    // The flag reaches the replicas some time later.
    this.world.at(this.world.now + this.random.below(1000), { name: 'flag', alive: true }, () => {
      for (const abort of this.running.get(generationId) ?? [])
        abort.abort(new ClipmeshError('CANCELED', 'handling stopped: canceled'));
    });
  }

  /** Loses a stored command, as in a power failure before the disk was synced. */
  private drop(): void {
    const lost = this.broker.queue('clip-generator').find(({ holder }) => holder === undefined);
    if (lost === undefined) return;
    this.dropsLeft -= 1;
    this.broker.remove('clip-generator', lost);
  }

  private deliver(ready: { inbox: InboxName; item: Item } | undefined): void {
    if (ready === undefined) return;
    const { inbox, item } = ready;
    const able = this.processes.filter(({ name }) => PROCESSES[inbox].includes(name));
    const process = able[this.random.below(able.length)];
    if (process === undefined) return;
    void this.handle(process, inbox, item).catch(() => {
      // The delivery could not be settled and is redelivered after the ack wait.
      item.holder = { process: { ...process, alive: false }, aliveAtMs: this.world.now };
    });
  }

  private async handle(process: Process, inbox: InboxName, item: Item): Promise<void> {
    const { broker, world } = this;
    const service = this.services.get(process)?.[inbox];
    if (service === undefined) return;
    const body = broker.take(item, process);
    const settling = settlingOf({ broker: this.broker, world: this.world, random: this.random }, process, inbox, item);
    if (service.command !== undefined && broker.canceled.has(item.generationId)) {
      settling.ack();
      return;
    }
    const { faults, counted } = this.faults.get(item.id) ?? NO_RETRIES;
    const abort = new AbortController();
    const running = this.running.get(item.generationId) ?? new Set();
    if (service.command !== undefined) this.running.set(item.generationId, running.add(abort));
    let outcome: Outcome = { kind: 'returned' };
    let outgoing: Awaited<ReturnType<SimService['handle']>> = [];
    try {
      outgoing = await service.handle(body, { id: item.id, name: item.definition.name }, abort.signal);
    } catch (error) {
      outcome = abort.signal.aborted ? { kind: 'canceled' } : { kind: 'failed', error };
    } finally {
      running.delete(abort);
    }
    await settleDelivery(
      {
        publish: (messages) => {
          if (this.mistake === 'ack before publish') settling.ack();
          return broker.publish(process, messages);
        },
        retries: {
          count: (id) => Promise.resolve(this.faults.get(id) ?? NO_RETRIES),
          add: (id, fault) =>
            world.effect(process, () => {
              const next = addRetry(this.faults.get(id) ?? NO_RETRIES, fault);
              this.faults.set(id, next);
              return next;
            }),
        },
        logger: { warn: () => undefined, error: () => undefined },
      },
      {
        id: item.id,
        name: item.definition.name,
        body,
        history: { tries: counted + 1, failures: faults, ageMs: world.now - item.storedAtMs },
        outcome,
        outgoing,
        command: service.command,
      },
      service.policy,
      this.random.next(),
      settling,
    );
  }
}
