export function unlessBuilt(root: string, build: () => Promise<void>): Promise<void>;
