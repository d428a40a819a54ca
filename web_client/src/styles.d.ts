/** Style sheets are bundled by their import and give nothing back. */
declare module "*.css";
