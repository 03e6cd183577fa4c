import '@clipmesh/tracing/register';
import 'reflect-metadata';
import { runActorService } from '@clipmesh/messaging';
import { speakerService } from './speaker.service.js';

await runActorService(speakerService);
