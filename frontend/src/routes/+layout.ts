/** A single page that talks to a socket: nothing to render on a server. */
export const ssr = false;
export const prerender = true;
