export * from './director.event.js';
export * from './director.js';
export * from './models.js';
export * from './plan.rules.js';
export * from './plan.writer.js';
export * from './progress.js';
