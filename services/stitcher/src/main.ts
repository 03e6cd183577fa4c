import '@clipmesh/tracing/register';
import 'reflect-metadata';
import { runActorService } from '@clipmesh/messaging';
import { stitcherService } from './stitcher.service.js';

await runActorService(stitcherService);
