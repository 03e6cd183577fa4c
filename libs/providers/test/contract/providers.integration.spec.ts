import { findCog } from '@clipmesh/testing';
import { cogSubject } from './cog.subject.js';
import { type Features, lacks } from './contract.subject.js';
import { describeProvider } from './describe.provider.js';
import { sandboxSubject } from './sandbox.subject.js';

const program = await findCog();

describeProvider(
  'Replicate, played by the sandbox',
  sandboxSubject({
    model: 'google/veo-3.1',
    guarantee: 'never_twice',
    scenario: { inputFields: ['clipmesh_key'] },
    settings: (origin) => ({
      replicateApiToken: 't',
      replicateBaseUrl: `${origin}/v1`,
      replicateInputKey: 'clipmesh_key',
    }),
    features: {
      lostPurchase: 'found',
      lostAnswer: 'throws',
      buyerDies: 'runs-on',
      memory: true,
      queue: true,
      rateLimit: true,
      expiry: 'output-removed',
      charges: 'clip',
      badRequest: { durationSeconds: 5 },
    },
  }),
);

describeProvider(
  'fal, played by the sandbox',
  sandboxSubject({
    model: 'fal-ai/veo3.1/fast',
    guarantee: 'at_most_once_more',
    settings: (origin) => ({ falKey: 'id:secret', falBaseUrl: `${origin}/fal` }),
    features: {
      lostPurchase: 'unknowable',
      lostAnswer: 'throws',
      buyerDies: 'runs-on',
      memory: true,
      queue: true,
      rateLimit: true,
      expiry: 'same',
      charges: 'clip',
      badRequest: { durationSeconds: 5 },
    },
  }),
);

const MODEL = 'cog/animatic';
const COG: Omit<Features, 'expiry'> = {
  lostPurchase: 'unknowable',
  // Its create is answered at the end of the run.
  lostAnswer: 'fails-the-run',
  buyerDies: 'is-canceled',
  memory: lacks('a server remembers no prediction that has ended'),
  queue: lacks('a prediction starts at once, or a full server refuses it'),
  rateLimit: lacks('a full server is BUSY, and answers 409'),
  charges: 'computing',
  badRequest: { durationSeconds: 13 },
};

describeProvider(
  'Cog, played by the sandbox',
  sandboxSubject({
    model: MODEL,
    guarantee: 'at_most_once_more',
    settings: (origin) => ({ cogEndpoints: [{ model: MODEL, url: `${origin}/cog/${MODEL}` }] }),
    // As of a server that uploads its outputs.
    plays: { expire: { outputs: ['url'] } },
    features: { ...COG, expiry: 'same' },
  }),
);

describeProvider(
  'Cog, a real server',
  program &&
    cogSubject(program, {
      model: MODEL,
      guarantee: 'at_most_once_more',
      settings: (origin) => ({ cogEndpoints: [{ model: MODEL, url: origin }] }),
      features: { ...COG, expiry: lacks('its answer carries the clip') },
    }),
);
