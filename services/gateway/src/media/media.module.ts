import { Module } from '@nestjs/common';
import { GenerationsModule } from '../generations/generations.module.js';
import { MediaController } from './media.controller.js';

/** Serves the files of generations. */
@Module({ imports: [GenerationsModule], controllers: [MediaController] })
export class MediaModule {}
