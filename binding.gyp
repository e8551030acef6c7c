{
  "targets": [
    {
      "target_name": "odradek",
      "sources": ["<!@(node -p \"require('fs').readdirSync('native',{withFileTypes:true}).filter(d=>d.isDirectory()).flatMap(d=>require('fs').readdirSync('native/'+d.name).filter(f=>f.endsWith('.cc')).map(f=>'native/'+d.name+'/'+f)).join(' ')\")"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED", "NAPI_DISABLE_CPP_EXCEPTIONS"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fno-exceptions", "-fno-rtti"],
      "cflags_cc": ["-std=c++20", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers"],
      "cflags_c": ["-fvisibility=hidden"],
      "ldflags": ["-Wl,-z,now"]
    }
  ]
}
