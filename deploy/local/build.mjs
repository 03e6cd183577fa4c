// node deploy/local/build.mjs: compiles everything and bundles the services.
import { BootstrapError, build } from './bootstrap.mjs';

try {
  await build();
} catch (error) {
  if (!(error instanceof BootstrapError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
