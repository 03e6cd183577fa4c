// One row per server: its names, and how to build it.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {{ kind: 'go-install', package: string }} GoInstall `go install package@version`.
 * @typedef {{ kind: 'go-tool', package: string, patch?: (vendor: string) => void }} GoTool `go get -tool` in its own module, for
 *   modules with replace lines. `patch` changes the copies of the modules in the folder `vendor` before the build.
 * @typedef {{ kind: 'maven', artifacts: readonly string[], launcher: string }} Maven Jars beside a single-file Java launcher.
 * @typedef {{ kind: 'python', package: string, module: string }} Python A package in a virtual environment, run as a module.
 * @typedef {object} Row
 * @property {string} variable Environment variable with the URL of a running server or the path of a program. It takes precedence.
 * @property {string | undefined} program Its name on PATH. Undefined: it is never on PATH.
 * @property {{ args: readonly string[], pattern: RegExp } | undefined} accepts Version output that a program on PATH must have to be used.
 * @property {string} version
 * @property {number} buildSeconds Measured on two cores with empty caches.
 * @property {GoInstall | GoTool | Maven | Python} recipe
 */

const HERE = import.meta.dirname;

/** Compose registers the builders of images, and that in Kubernetes is half of its build. The tests build no image. */
function withoutKubernetes(vendor) {
  const file = join(vendor, 'github.com/docker/compose/v2/pkg/compose/build_buildkit.go');
  const text = readFileSync(file, 'utf8');
  const rest = text.replace(/.*"github\.com\/docker\/buildx\/driver\/kubernetes".*\n/, '');
  if (rest === text) throw new Error(`${file} does not import the builder in Kubernetes`);
  writeFileSync(file, rest);
}

/** The client of Elasticsearch is a third of the build of Jaeger. The tests store in memory. */
function withoutElasticsearch(vendor) {
  const folder = join(vendor, 'github.com/elastic/go-elasticsearch/v8');
  rmSync(folder, { recursive: true });
  cpSync(join(HERE, 'jaeger', 'go-elasticsearch'), folder, { recursive: true });
}

/**
 * In the order in which `npm test` builds them: the broker that every test needs, then the shortest build first.
 * @type {Readonly<Record<import('./find.server.d.mts').ServerName, Row>>}
 */
export const SERVERS = {
  'nats-server': {
    variable: 'NATS_SERVER_CURRENT',
    program: 'nats-server',
    // Distributions have 2.9 and 2.10. This row is the current version; the minimum version is tested separately.
    accepts: { args: ['--version'], pattern: /v2\.1[2-9]\./ },
    version: 'v2.12.3',
    buildSeconds: 22,
    recipe: { kind: 'go-install', package: 'github.com/nats-io/nats-server/v2' },
  },
  'mongo-java-server': {
    variable: 'MONGODB_TEST_URI',
    program: undefined,
    accepts: undefined,
    version: '1.47.0',
    buildSeconds: 21,
    recipe: {
      kind: 'maven',
      artifacts: ['de.bwaldvogel:mongo-java-server', 'de.bwaldvogel:mongo-java-server-h2-backend'],
      launcher: `${HERE}/mongo/Launcher.java`,
    },
  },
  cog: {
    variable: 'COG_TEST_PATH',
    program: undefined,
    accepts: undefined,
    version: '0.23.1',
    buildSeconds: 25,
    recipe: { kind: 'python', package: 'cog', module: 'cog.server.http' },
  },
  'docker-compose': {
    variable: 'DOCKER_COMPOSE_TEST_PATH',
    program: 'docker-compose',
    accepts: { args: ['version'], pattern: /version (v?([2-9]|[1-9]\d)\.|dev)/ },
    version: 'v2.40.3',
    buildSeconds: 60,
    recipe: { kind: 'go-tool', package: 'github.com/docker/compose/v2/cmd', patch: withoutKubernetes },
  },
  jaeger: {
    variable: 'JAEGER_TEST_URL',
    program: 'jaeger',
    accepts: undefined,
    // Later versions lack a checksum.
    version: 'v1.62.0',
    buildSeconds: 90,
    recipe: { kind: 'go-tool', package: 'github.com/jaegertracing/jaeger/cmd/jaeger', patch: withoutElasticsearch },
  },
};
