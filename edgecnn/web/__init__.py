"""A page that classifies in the browser, by drawing, picture or camera, and the server that gives it a model.

The page's source is ``web/`` of a checkout, a small npm project that nothing in Python reads. ``make web`` builds it
into ``built/``, which git does not keep and the wheel takes along where it is there. All inference is in the page
(onnxruntime-web, WebAssembly): the server hands out files and receives nothing.
"""

from edgecnn.web.server import BUILT, Site, default_other, has_page, open_server, site, url

__all__ = ["BUILT", "Site", "default_other", "has_page", "open_server", "site", "url"]
