import '@clipmesh/tracing/register';
import 'reflect-metadata';
import { runActorService } from '@clipmesh/messaging';
import { overlayService } from './overlay.service.js';

await runActorService(overlayService);
