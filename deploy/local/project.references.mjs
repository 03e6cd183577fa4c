// The TypeScript projects of the workspaces, for the references of the tsconfig.json at the root.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text of tsconfig.json at the root: it references each workspace that has a tsconfig.lib.json. */
export function rootProject(root) {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const folders = workspaces.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern];
    const parent = pattern.slice(0, -'/*'.length);
    return readdirSync(join(root, parent))
      .sort()
      .map((name) => `${parent}/${name}`);
  });
  const references = folders
    .map((folder) => `./${folder}/tsconfig.lib.json`)
    .filter((path) => existsSync(join(root, path)))
    .map((path) => ({ path }));
  return `${JSON.stringify({ files: [], references }, undefined, 2)}\n`;
}
