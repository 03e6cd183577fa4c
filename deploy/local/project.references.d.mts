/** The text of tsconfig.json at the root of the workspace in the folder `root`: it references every project. */
export function rootProject(root: string): string;
