export * from './commands.js';
export * from './events.js';
export * from './failure.js';
export * from './generation.js';
export * from './job.js';
export * from './message.js';
export * from './topology.js';
export * from './messages.table.js';
