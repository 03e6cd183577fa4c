export * from './broker.server.js';
export * from './leak.check.js';
export * from './pictures.js';
export * from './sandbox.server.js';
export * from './tcp.gate.js';
export * from './temp.folder.js';
export * from './until.js';
export * from './mongo.server.js';
