/** How a scene is filmed. */
interface Shot {
  /** Framing and camera: `Close-up, slow push-in`. */
  readonly camera: string;
  /** What happens; `{product}` stands for the product. */
  readonly seen: string;
}

const SHOTS: Readonly<Record<string, readonly Shot[]>> = {
  problem: [
    {
      camera: 'Close-up, handheld',
      seen: 'a person in an everyday moment that goes wrong without {product}, tired hands and face',
    },
    { camera: 'Over-the-shoulder shot, slow pan', seen: 'the small things that take too long without {product}' },
    { camera: 'Wide shot, static', seen: 'a cluttered place where {product} is missing, muted colours' },
  ],
  agitate: [
    { camera: 'Low-angle shot, handheld', seen: 'time runs out and things pile up, {product} still missing' },
    { camera: 'Medium shot, quick pan', seen: 'the same trouble again, one day later, without {product}' },
    { camera: 'Top-down shot, slow pull-back', seen: 'the mess seen from above, everything waits for {product}' },
  ],
  solution: [
    { camera: 'Hero shot, slow push-in', seen: '{product} enters the picture and everything turns easy' },
    { camera: 'Close-up, tracking shot', seen: 'hands use {product} with ease, warm relief' },
    { camera: 'Medium shot, orbit', seen: '{product} in the middle of a bright, tidy place' },
  ],
  before: [
    { camera: 'Wide shot, static', seen: 'an ordinary grey day, the place where {product} will be is empty' },
    { camera: 'Medium shot, slow pan', seen: 'slow routines without {product}, flat light' },
  ],
  after: [
    { camera: 'Wide shot, slow push-in', seen: 'the same place transformed by {product}, bright and effortless' },
    { camera: 'Medium shot, tracking shot', seen: 'people smile, {product} within reach' },
  ],
  bridge: [
    { camera: 'Close-up, tracking shot', seen: '{product} in use leads from one world to the other' },
    { camera: 'Hero shot, slow push-in', seen: '{product} in the centre, clean background, inviting final frame' },
  ],
  attention: [
    { camera: 'Wide shot, fast push-in', seen: 'a bold first look at {product}, movement towards the camera' },
    { camera: 'Low-angle shot, tilt up', seen: '{product} rises into the light, large in the frame' },
    { camera: 'Close-up, orbit', seen: 'a striking detail of {product} fills the picture' },
  ],
  interest: [
    { camera: 'Close-up, slow push-in', seen: 'a fine detail of {product}, texture and craft' },
    { camera: 'Top-down shot, slow pull-back', seen: '{product} in its setting, everything in its place' },
    { camera: 'Macro shot, slow pan', seen: 'the material of {product}, light moves over it' },
  ],
  desire: [
    { camera: 'Medium shot, tracking shot', seen: 'a person enjoys {product}, golden moment, shallow depth of field' },
    { camera: 'Over-the-shoulder shot, handheld', seen: 'friends gather around {product}, real smiles' },
    { camera: 'Wide shot, slow pan', seen: 'a perfect day with {product}, open space and light' },
  ],
  action: [
    { camera: 'Hero shot, slow push-in', seen: '{product} centred on a clean background, inviting final frame' },
    { camera: 'Close-up, static', seen: 'a hand takes {product}, clear space around it' },
  ],
};
const PRODUCT_SHOT: Shot = { camera: 'Medium shot, static', seen: '{product} in use' };

/**
 * The description of a scene: framing, camera and what happens with the product. `nth`: how many scenes of this role come before; with
 * another `seed` the scenes of a role come in another order.
 */
export function describeShot(role: string, nth: number, product: string, seed: number): string {
  const shots = SHOTS[role] ?? [PRODUCT_SHOT];
  const { camera, seen } = shots[(nth + seed) % shots.length] ?? PRODUCT_SHOT;
  return `${camera}: ${seen.replaceAll('{product}', () => product)}.`;
}
