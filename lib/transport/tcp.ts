export { DEFAULT_TCP_OPTIONS, type TcpTransportOptions } from './tcp/options.js';
export { TcpTransport } from './tcp/transport.js';
